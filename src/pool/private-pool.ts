import { closeSync, constants, mkdtempSync, openSync, readdirSync, readSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
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
    try {
      sweep(state)
      this.#folder = mkdtempSync(join(state, 'run-'))
      this.#path = join(this.#folder, 'jobserver')
      mkfifo(this.#path)
    } catch (error) {
      throw stateDirError(join(state, 'run'), error)
    }
    this.#own = openSync(this.#path, constants.O_RDWR | constants.O_NONBLOCK)
    // Blocking ones for the command, as make's are, and open for both: a FIFO's content dies with its last opener.
    this.#ends = [openSync(this.#path, constants.O_RDWR), openSync(this.#path, constants.O_RDWR)]
  }

  /** Puts one more token in. */
  grant(): void {
    writeSync(this.#own, TOKEN)
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
    for (const fd of [this.#own, ...this.#ends]) closeSync(fd)
    rmSync(this.#folder, { recursive: true, force: true })
    return { missing: Math.max(0, this.#granted - found), extra: Math.max(0, found - this.#granted) }
  }
}

/** Removes the folders of runs that were killed. While anything of such a run lives on, it has the FIFO open. */
function sweep(state: string): void {
  for (const name of readdirSync(state)) {
    if (!name.startsWith('run-')) continue
    const folder = join(state, name)
    try {
      closeSync(openSync(join(folder, 'jobserver'), constants.O_WRONLY | constants.O_NONBLOCK))
    } catch (error) {
      // ENXIO: nobody reads. ENOENT: a run that is just being set up, or was killed then.
      if ((error as NodeJS.ErrnoException).code === 'ENXIO') rmSync(folder, { recursive: true, force: true })
    }
  }
}
