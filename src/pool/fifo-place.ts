import {
  closeSync,
  constants,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { mkfifo } from '../fd.ts'
import { stateDir, stateDirError } from '../state-dir.ts'

/** A member's FIFO, open for reads and writes that do not block. The descriptor is the caller's. */
export interface MemberFifo {
  path: string
  fd: number
}

/** Where the FIFOs of a pool's members lie. */
export interface FifoPlace {
  /** @throws JobslotError `ERR_JOBSLOT_STATE_DIR` */
  make(id: number): MemberFifo
  /** Takes the path away; what has it open keeps it. */
  remove(path: string): void
}

const FIFO = 'jobserver'
const RUN = 'run-'
/** A folder until its FIFO is open. */
const FRESH = 'new-'
const MOST_SETUP_MS = 60_000

/** FIFOs of a pool in this process, of which nobody else learns: each in a folder of its own, swept by whoever comes. */
export const privateFifos: FifoPlace = {
  make() {
    const state = runsFolder()
    sweep(state)
    let fd = -1
    let folder = ''
    try {
      folder = mkdtempSync(join(state, FRESH))
      fd = makeFifo(join(folder, FIFO))
      // Named for the sweep only now that the FIFO has a reader.
      const named = join(state, RUN + basename(folder).slice(FRESH.length))
      renameSync(folder, named)
      return { path: join(named, FIFO), fd }
    } catch (error) {
      if (fd >= 0) closeSync(fd)
      if (folder !== '') removeFolder(folder)
      throw stateDirError(join(state, 'run'), error)
    }
  },
  remove(path) {
    removeFolder(dirname(path))
  },
}

/** Removes what killed runs have left. Never throws: whoever needs the folder finds out and says so. */
export function sweepRuns(): void {
  try {
    sweep(runsFolder())
  } catch {
    // It cannot be read.
  }
}

/** ninja and cargo cannot read a path with a space in it. */
function runsFolder(): string {
  const chosen = stateDir()
  return /\s/.test(chosen) ? stateDir({}) : chosen
}

/** @throws a system error */
export function makeFifo(path: string): number {
  mkfifo(path)
  return openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
}

/** Only what belongs there, and nothing else that may lie there; what cannot be removed stays for the next sweep. */
function removeFolder(folder: string): void {
  try {
    unlinkSync(join(folder, FIFO))
  } catch {
    // Killed before it made one.
  }
  try {
    rmdirSync(folder)
  } catch {
    // Gone already, or not ours.
  }
}

/** Removes the folders of runs that were killed. While anything of such a run lives on, it has the FIFO open. */
function sweep(state: string): void {
  for (const name of readdirSync(state)) {
    if (!/^(new|run)-[A-Za-z0-9]{6}$/.test(name)) continue
    const folder = join(state, name)
    if (isOwnFolder(folder) && (name.startsWith(FRESH) ? isOld(folder) : !isRead(join(folder, FIFO)))) {
      removeFolder(folder)
    }
  }
}

function isOwnFolder(folder: string): boolean {
  const found = lstatSync(folder, { throwIfNoEntry: false })
  return found?.isDirectory() === true && found.uid === process.getuid?.()
}

/** Nobody takes so long between two system calls; but for a stopped one, then, its run fails. */
function isOld(folder: string): boolean {
  const modified = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY
  return Date.now() - modified > MOST_SETUP_MS
}

/** Whether anybody has a FIFO open. */
export function isRead(fifo: string): boolean {
  try {
    closeSync(openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK))
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENXIO'
  }
}
