import { closeSync, constants, existsSync, mkdirSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { failed } from '../../../store/errors.ts'
import type { JobStore } from '../../../store.ts'

const folderOf = (dir: string): string => join(dir, 'requests')
const pathOf = (dir: string, id: number): string => join(folderOf(dir), `${id}.json`)

/** The request of a job that runs, as a file: the next run of the job has the same one. */
export interface RequestFile {
  readonly path: string
  /** For the job's standard input: a file blocks nobody, and does not mind whether it is read. To be closed here. */
  open(): number
  remove(): void
}

/** @throws JobslotError `ERR_JOBSLOT_STORE_IO` */
export function writeRequest(dir: string, id: number, request: unknown): RequestFile {
  const path = pathOf(dir, id)
  try {
    makeFolder(folderOf(dir))
    write(path, `${JSON.stringify(request)}\n`)
  } catch (error) {
    throw failed(dir, error)
  }
  return {
    path,
    open: () => openSync(path, 'r'),
    remove: () => rmSync(path, { force: true }),
  }
}

/** Whether a run of the job goes on, if only to its end, or its worker was killed: what it prints comes before that. */
export const isRunning = (dir: string, id: number): boolean => existsSync(pathOf(dir, id))

/** Anew: what lies there may be anything. For this user's eyes, whoever may look into the folder. */
function write(path: string, text: string): void {
  rmSync(path, { force: true, recursive: true })
  const { O_WRONLY, O_CREAT, O_EXCL } = constants
  const fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
  try {
    writeFileSync(fd, text)
  } finally {
    closeSync(fd)
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** Removes what killed workers have left of jobs that do not run. */
export async function sweepRequests(store: JobStore): Promise<void> {
  for (const id of idsIn(folderOf(store.dir))) {
    if ((await store.get(id))?.state !== 'active') rmSync(pathOf(store.dir, id), { force: true })
  }
}

function idsIn(folder: string): number[] {
  try {
    return readdirSync(folder).flatMap((name) => Number(/^([1-9]\d{0,15})\.json$/.exec(name)?.[1] ?? []) || [])
  } catch {
    return []
  }
}
