import type { Files } from './files.ts'
import { type JobError, type Options, objectOf, type Value } from './line.ts'
import type { State } from './state.ts'
import type { Place } from './state-parts.ts'
import { ACTIVE, CANCELLED, FAILED, FULFILLED, isFinished, PENDING } from './table.ts'

export const STATES = ['delayed', 'pending', 'active', 'fulfilled', 'failed', 'cancelled'] as const

export type JobState = (typeof STATES)[number]

export const FINISHED: readonly JobState[] = ['fulfilled', 'failed', 'cancelled']

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

type Texts = { text(id: number, place: Place): string }

/** The line that has a job's request and options. */
export function jobLineOf(state: State, texts: Texts, row: number): Options & { t: number; request: unknown } {
  const { id, file, offset, length } = state.table
  const place = { file: file[row]!, offset: offset[row]!, length: length[row]! }
  return JSON.parse(texts.text(id[row]!, place))
}

/** The line of a finished job that has its value or error. */
export function endLineOf(state: Pick<State, 'table'>, files: Files, row: number): Value & { error?: JobError } {
  const { endFile, endOffset, endLength } = state.table
  const text = files.text({ file: endFile[row]!, offset: endOffset[row]!, length: endLength[row]! })
  return objectOf(text) ?? {}
}

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
