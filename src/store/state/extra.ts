import type { JobError } from '../format/line.ts'

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

/** Of a finished job: there is nothing in it. */
export function isIdle(extra: Extra): boolean {
  const { targets, key, after, retention, failures, lost } = extra
  return !targets && key === undefined && !after && retention === undefined && failures + lost === 0
}
