/**
 * JOBSLOT_RUN: of which runs of which jobs a process is, as `STORE STORE/ID@ATTEMPT`, with those of the worker around it
 * before. What a killed worker leaves behind is found by it. Pure but for `storeMark`.
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

/** A word for the store in this folder. */
export function storeMark(dir: string): string {
  return createHash('sha256').update(realpathSync(dir)).digest('hex').slice(0, 16)
}

export function addRunMark(text: string | undefined, store: string, { id, attempt }: RunMark): string {
  const words = (text ?? '').split(' ').filter((word) => word !== '')
  return [...words, store, `${store}/${id}@${attempt}`].slice(-MOST_WORDS).join(' ')
}

/** The runs of this store's jobs that are named. */
export function runsIn(text: string, store: string): RunMark[] {
  return text.split(' ').flatMap((word) => {
    const [, of, id, attempt] = /^([^/]+)\/(\d+)@(\d+)$/.exec(word) ?? []
    return of === store ? [{ id: Number(id), attempt: Number(attempt) }] : []
  })
}
