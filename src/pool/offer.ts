import type { StdioOptions } from 'node:child_process'
import { closeSync, constants, openSync } from 'node:fs'
import type { JobserverAuth } from '../makeflags/index.ts'
import { rewriteMakeflags } from '../makeflags/index.ts'
import { stateDirError } from '../state-dir.ts'
import { asArray, isFree, nextFree, place, type StdioArray } from '../stdio.ts'
import type { Joined } from './host.ts'
import { addMark, MEMBER_VARIABLE, removePool, STARTED_BY_VARIABLE } from './marks.ts'

/** How a command is told where its jobserver is: by a FIFO's path, or by the numbers of two descriptors that it inherits. */
export type Style = 'fifo' | 'pipe'

/** What a member's command is started with. */
export interface Offer {
  env: NodeJS.ProcessEnv
  stdio: StdioArray
  /** After the command's end: until then somebody has to have the FIFO open, whose content dies with the last opener. */
  close(): void
}

/**
 * The numbers at which the command gets its ends. Numbers from 17 up pass even through a Node in the middle, which marks
 * inherited descriptors close-on-exec one by one and stops at the first unused number above 15.
 */
const READ = 20
const WRITE = 21

/**
 * Environment and `stdio` for a member's command: the mark; and where it has tokens, MAKEFLAGS in one form, and cargo's
 * variable in the one that every cargo knows.
 *
 * @throws JobslotError `ERR_JOBSLOT_STATE_DIR` where the FIFO cannot be opened
 */
export function offer(
  { fifo, mark, capacity }: Joined,
  options: { env: NodeJS.ProcessEnv; stdio?: StdioOptions | undefined; style: Style },
): Offer {
  const env: NodeJS.ProcessEnv = { ...options.env, [MEMBER_VARIABLE]: addMark(options.env[MEMBER_VARIABLE], mark) }
  // It has slots of its own, and needs none of whoever has started it.
  const startedBy = removePool(env[STARTED_BY_VARIABLE], mark.slice(0, mark.indexOf('/')))
  if (startedBy === null) delete env[STARTED_BY_VARIABLE]
  else env[STARTED_BY_VARIABLE] = startedBy
  const stdio = asArray(options.stdio)
  if (fifo === null) return { env, stdio, close: () => {} }
  // Blocking ones, as make's are, and open for both: a FIFO's content dies with its last opener.
  const ends: number[] = []
  try {
    ends.push(openSync(fifo, constants.O_RDWR), openSync(fifo, constants.O_RDWR))
  } catch (error) {
    for (const fd of ends) closeSync(fd)
    throw stateDirError(fifo, error)
  }
  const [ownRead, ownWrite] = ends as [number, number]
  const read = isFree(stdio, READ) ? READ : nextFree(stdio, READ)
  place(stdio, read, ownRead)
  const write = isFree(stdio, WRITE) ? WRITE : nextFree(stdio, WRITE)
  place(stdio, write, ownWrite)
  const pipe: JobserverAuth = { style: 'pipe', read, write }
  const auth: JobserverAuth = options.style === 'pipe' ? pipe : { style: 'fifo', path: fifo }
  env.MAKEFLAGS = rewriteMakeflags(env.MAKEFLAGS ?? '', { auth, jobs: capacity })
  env.CARGO_MAKEFLAGS = rewriteMakeflags(env.CARGO_MAKEFLAGS ?? '', { auth: pipe, jobs: capacity }).trimStart()
  return {
    env,
    stdio,
    close() {
      for (const fd of ends) closeSync(fd)
    },
  }
}
