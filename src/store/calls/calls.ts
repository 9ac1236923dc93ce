import type { JobState } from '../state/job-state.ts'

/** Of a call that waits. */
export interface WaitOptions {
  /** Ms; none: it waits until it has what it waits for, or the store is closed. */
  timeout?: number
  /** Its abort rejects with its reason. */
  signal?: AbortSignal
}

export interface PullOptions {
  /** Wait until there is one. Costs no CPU meanwhile. Default false. */
  wait?: boolean
  /** Its abort rejects with its reason; what was just claimed is given back. */
  signal?: AbortSignal
}

export interface ListOptions {
  /** Only those in one of these states. Default: all. */
  state?: JobState | readonly JobState[]
  /** Those behind this id: the `cursor` of the answer before. */
  after?: number | null
  /** At most so many, from 1 on. Default 100. */
  limit?: number
}

/** What a store holds: how many jobs in each state, and more. */
export interface Stats extends Record<JobState, number> {
  paused: boolean
  /** How many open stores hold a claim. */
  workers: number
  /** The number of the segment that is written to. */
  segment: number
  /** How long that is, in bytes. */
  bytes: number
  /** What could not be read: in which file, from where on, how much. Empty in a sound store. */
  damage: { file: string; offset: number; bytes: number }[]
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
