import type { JobError } from '../format/line.ts'
import type { Files } from '../journal/files.ts'
import { endLineOf, jobLineOf, type Texts } from '../journal/stored-lines.ts'
import { type JobState, stateOf } from '../state/job-state.ts'
import type { State } from '../state/state.ts'
import { ACTIVE, CANCELLED, FAILED, isFinished, PENDING } from '../state/table.ts'

/** What is known of a job. Times are in ms since 1970. */
export interface Job {
  id: number
  /** `delayed` waits for its time, or for another job. */
  state: JobState
  request: unknown
  /** Of the request: one more with each `update`. */
  version: number
  /** How often it was run, this time included. */
  attempt: number
  failures: number
  /** How often its worker was lost. */
  lost: number
  priority: number
  created: number
  /** Not before. */
  runAt: number | null
  started: number | null
  finished: number | null
  /** The process that runs it. */
  pid: number | null
  key: string | null
  /** What it waits for. */
  after: number[]
  progress: unknown
  /** Of a failed or cancelled one, or of the last failure of another. */
  error: JobError | null
  /** Who is to be told of its end. */
  waiting: unknown[]
}

export function viewOf(state: State, files: Files, texts: Texts, row: number, now: number): Job {
  const { table } = state
  const id = table.id[row]!
  const phase = table.phase[row]!
  const extra = state.extras.get(id)
  const line = jobLineOf(state, texts, row)
  const at = table.at[row]!
  const ended = phase === FAILED || phase === CANCELLED ? endLineOf(state, files, row).error : undefined
  return {
    id,
    state: stateOf(state, row, now),
    request: line.request,
    version: table.version[row]!,
    attempt: table.attempt[row]!,
    failures: (extra?.failures ?? 0) + (phase === FAILED ? 1 : 0),
    lost: extra?.lost ?? 0,
    priority: table.priority[row]!,
    created: createdOf(line),
    runAt: phase === PENDING && at > 0 ? at : null,
    started: phase === ACTIVE ? at : null,
    finished: isFinished(phase) ? at : null,
    pid: phase === ACTIVE ? (state.pids.get(table.worker[row]!) ?? null) : null,
    key: extra?.key ?? null,
    after: [...(extra?.after ?? [])],
    progress: extra?.progress ?? null,
    error: ended ?? extra?.error ?? null,
    waiting: [...(extra?.targets ?? [])],
  }
}

/** An `update` repeats when the job was created. */
const createdOf = (line: { t: number; created?: number }): number => line.created ?? line.t
