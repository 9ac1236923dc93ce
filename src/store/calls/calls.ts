import type { Damage } from '../journal/journal.ts'
import type { JobState } from '../state/job-state.ts'

/** Of a call that waits. */
export interface WaitOptions {
  /** Milliseconds; left out, it waits until it has what it waits for, or the store is closed. */
  timeout?: number | undefined
  /** Its abort rejects with its reason. */
  signal?: AbortSignal | undefined
}

/** Of a call that claims something. */
export interface PullOptions {
  /** Wait until there is one, the signal aborts, or the store is closed. Costs no CPU meanwhile. Default false. */
  wait?: boolean | undefined
  /** Its abort rejects with its reason; what was just claimed is given back. */
  signal?: AbortSignal | undefined
}

/** Which jobs `list` answers with. */
export interface ListOptions {
  /** Only those in one of these states. Default: all. */
  state?: JobState | readonly JobState[] | undefined
  /** Those behind this id: the `cursor` of the answer before. Default: from the first on. */
  after?: number | null | undefined
  /** At most so many, from 1 on. Default 100. */
  limit?: number | undefined
}

/** What a store holds: how many jobs in each state, and more. */
export interface Stats extends Record<JobState, number> {
  /** Whether no job is claimed: see `pause`. */
  paused: boolean
  /** How many open stores hold a claim. */
  workers: number
  /** The number of the segment that is written to. */
  segment: number
  /** How long that is, in bytes. */
  bytes: number
  /** What could not be read. Empty in a sound store. */
  damage: Damage[]
  /** How many lines are lost. */
  missing: number
  /** How many lines make no sense, as one before them is lost. */
  impossible: number
}

/** What there is to do. @internal */
export interface Outlook {
  /** Whether a job could be claimed now. */
  ready: boolean
  unfinished: number
  active: number
  paused: boolean
}
