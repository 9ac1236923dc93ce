import type { State } from './state.ts'
import { ACTIVE, FAILED, FULFILLED, PENDING } from './table.ts'

export const STATES: readonly JobState[] = ['delayed', 'pending', 'active', 'fulfilled', 'failed', 'cancelled']

/**
 * What a job is: `delayed` waits for its time, or for another job; `pending` may be claimed; `active` somebody runs;
 * `fulfilled`, `failed` and `cancelled` are its ends.
 */
export type JobState = 'delayed' | 'pending' | 'active' | 'fulfilled' | 'failed' | 'cancelled'

export const FINISHED: readonly JobState[] = ['fulfilled', 'failed', 'cancelled']

export function stateOf(state: State, row: number, now: number): JobState {
  const { table } = state
  switch (table.phase[row]) {
    case PENDING:
      return table.at[row]! > now || state.isBlocked(table.id[row]!) ? 'delayed' : 'pending'
    case ACTIVE:
      return 'active'
    case FULFILLED:
      return 'fulfilled'
    case FAILED:
      return 'failed'
    default:
      return 'cancelled'
  }
}
