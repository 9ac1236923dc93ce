import type { Disk, Lines } from './disk.ts'
import type { Lives } from './lives.ts'
import type { Loaded } from './load.ts'
import type { Notification } from './notification.ts'
import type { JobState } from './view.ts'
import type { Watch } from './watch.ts'

export interface WaitOptions {
  /** Ms. */
  timeout?: number
  signal?: AbortSignal
}

export interface PullOptions {
  /** Wait until there is one. */
  wait?: boolean
  signal?: AbortSignal
}

/** Tells targets at once; answers with those that were told, all where it answers with nothing. */
export type Respond = (
  notification: Notification,
) => readonly unknown[] | undefined | Promise<readonly unknown[] | undefined>

export interface ListOptions {
  /** Only those in one of these states. */
  state?: JobState | readonly JobState[]
  /** Those behind this id: the `cursor` of the answer before. */
  after?: number | null
  /** At most so many; 100 where it is not given. */
  limit?: number
}

export interface Stats extends Record<JobState, number> {
  paused: boolean
  /** That hold a claim. */
  workers: number
  segment: number
  /** Of the segment that is written to. */
  bytes: number
  damage: { file: string; offset: number; bytes: number }[]
  /** Lines that are lost. */
  missing: number
  /** Lines that make no sense, as one before them is lost. */
  impossible: number
}

/** A store's parts: the real ones, or a test's. */
export interface Parts {
  disk: Disk
  lines: Lines
  lives: Lives
  watch: (onEvent: (closed: boolean) => void) => Watch
  loaded: Loaded
  synced: boolean
  leaseMs: number
  /** Ms that a finished job is kept which says nothing about it. */
  retention: number
  now: () => number
  /** This process, for whoever reads of its claims. */
  pid: number
  respond?: Respond | undefined
  onrespondfailure?: ((error: unknown, notification: Notification) => void) | undefined
  onclose?: () => void
}

/** What there is to do. @internal */
export interface Outlook {
  /** Whether a job could be claimed now. */
  ready: boolean
  unfinished: number
  active: number
  paused: boolean
}
