/**
 * JOBSLOT_RUN: of which runs of which jobs a process is, as `STORE STORE/ID@ATTEMPT`, or of which `job work`, as
 * `STORE STORE/PID-STARTTIME`; before that, those of the run around it. What a killed worker leaves behind is found by it. Pure but for `storeMark`.
 */
import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'

export const RUN_VARIABLE = 'JOBSLOT_RUN'

/** Deeper than anybody nests. */
const MOST_WORDS = 32

export interface RunMark {
  id: number
  attempt: number
}

/** A `job work`, by its process. */
export interface Worker {
  pid: number
  startTime: string
}

/** A word for the store in this folder. */
export function storeMark(dir: string): string {
  return createHash('sha256').update(realpathSync(dir)).digest('hex').slice(0, 16)
}

export function addRunMark(text: string | undefined, store: string, { id, attempt }: RunMark): string {
  return withWords(text, [store, `${store}/${id}@${attempt}`])
}

/** Of a process that runs one job after the other for this worker, and is to end with it. */
export function addWorkerMark(text: string | undefined, store: string, { pid, startTime }: Worker): string {
  return withWords(text, [store, `${store}/${pid}-${startTime}`])
}

function withWords(text: string | undefined, more: string[]): string {
  const words = (text ?? '').split(' ').filter((word) => word !== '')
  return [...words, ...more].slice(-MOST_WORDS).join(' ')
}

/** The workers of this store that are named. */
export function workersIn(text: string, store: string): Worker[] {
  return text.split(' ').flatMap((word) => {
    const [, of, pid, startTime = ''] = /^([^/]+)\/(\d+)-(\d+)$/.exec(word) ?? []
    return of === store ? [{ pid: Number(pid), startTime }] : []
  })
}

/** The runs of this store's jobs that are named. */
export function runsIn(text: string, store: string): RunMark[] {
  return text.split(' ').flatMap((word) => {
    const [, of, id, attempt] = /^([^/]+)\/(\d+)@(\d+)$/.exec(word) ?? []
    return of === store ? [{ id: Number(id), attempt: Number(attempt) }] : []
  })
}
