import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { JobStore } from '../../store.ts'
import { commandOf } from './command-request.ts'

/** Where what a job's runs print lies, all behind each other. */
export function logPath(dir: string, { id, request }: { id: number; request: unknown }): string {
  return commandOf(request)?.log ?? join(logFolder(dir), `${id}.log`)
}

/** As the first job that prints something would make it, which is told what is wrong where it cannot be made. */
export function makeLogFolder(dir: string): void {
  try {
    mkdirSync(logFolder(dir))
  } catch {
    // It is there, most likely.
  }
}

export const logFolder = (dir: string): string => join(dir, 'logs')

/** A job's log in the store's folder. One that its request names is its owner's. */
export function removeLog(dir: string, id: number): void {
  rmSync(join(logFolder(dir), `${id}.log`), { force: true })
}

/** Removes the logs of jobs that are there no more. No id is given twice, so they will never be. */
export async function removeOldLogs(store: JobStore): Promise<void> {
  for (const id of idsOfLogs(store.dir)) {
    if ((await store.get(id)) === undefined) removeLog(store.dir, id)
  }
}

function idsOfLogs(dir: string): number[] {
  try {
    return readdirSync(logFolder(dir))
      .flatMap((name) => /^([1-9]\d{0,15})\.log$/.exec(name)?.[1] ?? [])
      .map(Number)
  } catch {
    return []
  }
}
