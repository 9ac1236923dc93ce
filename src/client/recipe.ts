import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ancestorsOf, commandLine, ownPid, type ProcessEntry, readProcess } from '../proc.ts'
import { stateDir } from '../state-dir.ts'
import { callerOf, isNodeLauncher } from './callers.ts'
import { FifoLock } from './fifo-lock.ts'

const TURN = 'turn'
const BELL = 'bell'

/**
 * The implicit slots of commands that share one: each `jobslot acquire` of a recipe's shell is a process of its own and
 * cannot know whether the recipe's slot is taken. So each such slot is a lock, named after the jobserver and the process
 * that was given the slot.
 */
export interface Recipe {
  /** The slot of the recipe this command belongs to. */
  readonly slot: SlotLock
  /** Held by the one command that collects several slots; see `collect.ts`. */
  readonly turn: FifoLock
  /** A FIFO that is written to when a slot is lent. */
  readonly bell: string
  /** The slots of other recipes under the same jobserver. */
  others(): FifoLock[]
}

export type SlotLock = Pick<FifoLock, keyof FifoLock>

/**
 * The recipe that the process `pid` belongs to, unless that is none of the process `user`: a slot that `user` holds
 * beyond the recipe's end must not be the recipe's. Only tokens are left then.
 *
 * @throws JobslotError `ERR_JOBSLOT_STATE_DIR`
 */
export function recipeOf(jobserver: string | null, pid = ownPid(), user: number | null = null): Recipe {
  const folder = folderOf(jobserver)
  const caller = callerFor(pid)
  const name = caller ? `${caller.pid}-${caller.startTime}` : `${process.ppid}-0`
  // Where there are no tokens, the recipe's slot is all that can ever be had.
  const isOurs = jobserver === null || user === null || user === caller?.pid || isAbove(caller, user)
  return {
    slot: isOurs ? new FifoLock(join(folder, name)) : neverFree,
    turn: new FifoLock(join(folder, TURN)),
    bell: join(folder, BELL),
    others: () =>
      slotFiles(folder)
        .filter((other) => other !== name)
        .map((other) => new FifoLock(join(folder, other))),
  }
}

/** Removes what killed commands left behind, under this jobserver and under those that are gone. */
export function sweepRecipes(): void {
  try {
    const root = rootFolder()
    for (const jobserver of namesIn(root)) sweepFolder(join(root, jobserver))
  } catch {
    // The folder has gone or changed under the command, whose status this must not touch. The next command tries again.
  }
}

function sweepFolder(folder: string): void {
  for (const name of slotFiles(folder)) {
    const [pid, startTime] = name.split('-')
    const owner = readProcess(Number(pid))
    if (owner?.startTime !== startTime || owner?.ended) removeIfFree(new FifoLock(join(folder, name)))
  }
  if (existsSync(join(folder, TURN))) removeIfFree(new FifoLock(join(folder, TURN)), join(folder, BELL))
}

/** Whoever leaves a lock removes its file: one that is free and there was left by a killed command. */
function removeIfFree(lock: FifoLock, alongWith?: string): void {
  if (!lock.tryLock()) return
  if (alongWith) rmSync(alongWith, { force: true })
  lock.unlock()
}

function folderOf(jobserver: string | null): string {
  // Where there is no jobserver, the process alone tells the recipes apart.
  return join(rootFolder(), jobserver ?? 'none')
}

function rootFolder(): string {
  return join(stateDir(), 'recipes')
}

function slotFiles(folder: string): string[] {
  return namesIn(folder).filter((name) => /^\d+-\d+$/.test(name))
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function callerFor(pid: number): ProcessEntry | null {
  return callerOf(ancestorsOf(pid), (entry) => isNodeLauncher(commandLine(entry.pid))) ?? readProcess(pid)
}

function isAbove(caller: ProcessEntry | null, pid: number): boolean {
  for (const entry of ancestorsOf(pid)) if (entry.pid === caller?.pid) return true
  return false
}

/** In the place of a slot that is not to be had. */
const neverFree: SlotLock = {
  path: '',
  isHeld: false,
  tryLock: () => false,
  lock: (signal) =>
    new Promise((_, reject) => {
      if (signal.aborted) reject(signal.reason)
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    }),
  lend() {},
  takeBack() {},
  isLent: () => false,
  markBorrowed() {},
  isBorrowed: () => false,
  unlock() {},
}
