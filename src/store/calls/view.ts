import type { JobError } from '../format/line.ts'
import type { Files } from '../journal/files.ts'
import { endLineOf, jobLineOf, type Texts } from '../journal/stored-lines.ts'
import { type JobState, stateOf } from '../state/job-state.ts'
import type { State } from '../state/state.ts'
import { ACTIVE, CANCELLED, FAILED, isFinished, PENDING } from '../state/table.ts'

/** What is known of a job. Times are in ms since 1970. */
export interface Job {
  /** Its number, from 1 on, used once in this store. */
  id: number
  /** `delayed` waits for its time, or for another job. */
  state: JobState
  /** As `create` or the last `update` was given it. */
  request: unknown
  /** Of the request: one more with each `update`. */
  version: number
  /** How often it was run, this time included. */
  attempt: number
  /** How often it has failed. */
  failures: number
  /** How often its worker was lost. */
  lost: number
  /** Higher ones are claimed first. */
  priority: number
  /** When it was made. */
  created: number
  /** It is not run before this; null: at any time. */
  runAt: number | null
  /** When it was claimed; null where it is not claimed now. */
  started: number | null
  /** When it ended; null where it has not. */
  finished: number | null
  /** The process that runs it; null where none does. */
  pid: number | null
  /** What it was made with: of all unfinished jobs only one has it. */
  key: string | null
  /** The ids of the jobs that it still waits for. */
  after: number[]
  /** What who runs it has told last; null: nothing. */
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
