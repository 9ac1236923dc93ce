import { onTestFinished } from 'vitest'
import { newState, type State } from '../real/state.ts'

/** A state folder for the library in this process, while the test runs. */
export function useState(): State {
  const state = newState()
  const before = process.env.JOBSLOT_DIR
  process.env.JOBSLOT_DIR = state.env.JOBSLOT_DIR
  onTestFinished(() => {
    if (before === undefined) delete process.env.JOBSLOT_DIR
    else process.env.JOBSLOT_DIR = before
  })
  return state
}
