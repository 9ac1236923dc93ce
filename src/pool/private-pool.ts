import {
  closeSync,
  constants,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { available, mkfifo } from '../fd.ts'
import type { JobserverAuth } from '../makeflags/index.ts'
import { rewriteMakeflags } from '../makeflags/index.ts'
import { stateDir, stateDirError } from '../state-dir.ts'

export type Style = 'fifo' | 'pipe'

/** What is found in the FIFO at the end, against what was put in. */
export interface Audit {
  missing: number
  extra: number
}

/**
 * The numbers at which the command gets its ends. Numbers from 17 up pass even through a Node in the middle, which marks
 * inherited descriptors close-on-exec one by one and stops at the first unused number above 15.
 */
const READ = 20
const WRITE = 21
const TOKEN = '+'

const FIFO = 'jobserver'
const RUN = 'run-'
/** A run's folder until its FIFO is open. */
const FRESH = 'new-'
const MOST_SETUP_MS = 60_000

/**
 * A jobserver for one command: one FIFO, offered by path and as inherited descriptors. Nobody else learns of it, and it
 * ends with the command.
 */
export class PrivatePool {
  readonly #folder: string
  readonly #path: string
  readonly #own: number
  readonly #ends: [read: number, write: number]
  #granted = 0

  /** @throws JobslotError `ERR_JOBSLOT_STATE_DIR`; a system error. */
  constructor() {
    // ninja and cargo cannot read a path with a space in it.
    const chosen = stateDir()
    const state = /\s/.test(chosen) ? stateDir({}) : chosen
    sweep(state)
    const opened: number[] = []
    let folder = ''
    try {
      folder = mkdtempSync(join(state, FRESH))
      const fifo = join(folder, FIFO)
      mkfifo(fifo)
      opened.push(openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK))
      // Blocking ones for the command, as make's are, and open for both: a FIFO's content dies with its last opener.
      opened.push(openSync(fifo, constants.O_RDWR), openSync(fifo, constants.O_RDWR))
      // Named for the sweep only now that the FIFO has a reader.
      this.#folder = join(state, RUN + basename(folder).slice(FRESH.length))
      renameSync(folder, this.#folder)
    } catch (error) {
      for (const fd of opened) closeSync(fd)
      if (folder !== '') removeFolder(folder)
      throw stateDirError(join(state, 'run'), error)
    }
    const [own, read, write] = opened as [number, number, number]
    this.#own = own
    this.#ends = [read, write]
    this.#path = join(this.#folder, FIFO)
  }

  /** Puts one more token in. @throws JobslotError `ERR_JOBSLOT_STATE_DIR` where the FIFO holds no more */
  grant(): void {
    try {
      writeSync(this.#own, TOKEN)
    } catch (error) {
      throw stateDirError(this.#path, error)
    }
    this.#granted++
  }

  /** Environment and `stdio` for the command: MAKEFLAGS in one form, cargo's variable in the one that every cargo knows. */
  offer(
    env: NodeJS.ProcessEnv,
    style: Style,
    slots: number,
  ): { env: NodeJS.ProcessEnv; stdio: ('inherit' | 'ignore' | number)[] } {
    const pipe: JobserverAuth = { style: 'pipe', read: READ, write: WRITE }
    const auth: JobserverAuth = style === 'pipe' ? pipe : { style: 'fifo', path: this.#path }
    const stdio: ('inherit' | 'ignore' | number)[] = ['inherit', 'inherit', 'inherit']
    for (let i = stdio.length; i < READ; i++) stdio[i] = 'ignore'
    stdio[READ] = this.#ends[0]
    stdio[WRITE] = this.#ends[1]
    return {
      env: {
        ...env,
        MAKEFLAGS: rewriteMakeflags(env.MAKEFLAGS ?? '', { auth, jobs: slots }),
        CARGO_MAKEFLAGS: rewriteMakeflags(env.CARGO_MAKEFLAGS ?? '', { auth: pipe, jobs: slots }).trimStart(),
      },
      stdio,
    }
  }

  /** After the command's end: counts what is there and removes everything. */
  close(): Audit {
    const found = available(this.#own)
    if (found > 0) readSync(this.#own, Buffer.alloc(found))
    // First, so that no sweep sees it without a reader.
    removeFolder(this.#folder)
    for (const fd of [this.#own, ...this.#ends]) closeSync(fd)
    return { missing: Math.max(0, this.#granted - found), extra: Math.max(0, found - this.#granted) }
  }
}

/** Only what a run makes, and nothing else that may lie there; what cannot be removed stays for the next sweep. */
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

function isRead(fifo: string): boolean {
  try {
    closeSync(openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK))
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENXIO'
  }
}
