import type { JobError, Options, Value } from './line.ts'
import { FULFILLED, type Table } from './table.ts'

/** Where a line lies: a number of `Files`, and its bytes there. */
export interface Place {
  file: number
  offset: number
  length: number
}

/** What few jobs have, or most have for a short time. */
export interface Extra {
  key: string | undefined
  /** Jobs that are to be fulfilled before. */
  after: Set<number> | undefined
  /** How long it is kept when it has finished, where that was said. */
  retention: number | undefined
  /** No longer to be started from then on; 0: none. */
  deadline: number
  failures: number
  /** How often its worker was lost. */
  lost: number
  /** The last failure of one that is tried again. */
  error: JobError | undefined
  progress: unknown
  targets: unknown[] | undefined
  /** Who is telling them. */
  notify: { c: number; w: number } | undefined
  /** They are not to be told before. */
  notifyAt: number
  /** How often it was tried, since all were told. */
  tries: number
}

export function freshExtra(): Extra {
  return {
    key: undefined,
    after: undefined,
    retention: undefined,
    deadline: 0,
    failures: 0,
    lost: 0,
    error: undefined,
    progress: undefined,
    targets: undefined,
    notify: undefined,
    notifyAt: 0,
    tries: 0,
  }
}

/** A line of a snapshot. */
export interface JobLine extends Options, Value {
  id: number
  t: number
  state: string
  version?: number
  attempt?: number
  failures?: number
  lost?: number
  at?: number
  claim?: number
  w?: number
  pid?: number
  claimed?: number
  finished?: number
  error?: JobError
  progress?: unknown
  targets?: unknown[]
  notify?: { c: number; w: number; pid: number }
  notifyAt?: number
  tries?: number
  request?: unknown
}

/** Those of the jobs that are not fulfilled. One that is gone was, as far as anyone can tell. */
export function unfinishedOf(table: Table, ids: readonly number[]): number[] {
  return ids.filter((id) => {
    const row = table.find(id)
    return row >= 0 && table.phase[row] !== FULFILLED
  })
}

/** Of a finished job: there is nothing in it. */
export function isIdle(extra: Extra): boolean {
  const { targets, key, after, retention, failures, lost } = extra
  return !targets && key === undefined && !after && retention === undefined && failures + lost === 0
}
