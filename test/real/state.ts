import { readdirSync } from 'node:fs'
import { tempDir } from '../support/processes.ts'

/** A state folder for jobslot that no other test uses. */
export interface State {
  env: { JOBSLOT_DIR: string }
  /** What lies in it. The folders that hold recipes, locks and pools may stay, empty. */
  left(): string[]
}

export function newState(): State {
  const dir = tempDir()
  return {
    env: { JOBSLOT_DIR: dir },
    left: () =>
      readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter(
        (name) => !['recipes', 'locks', 'pools', 'workers'].includes(name),
      ),
  }
}
