import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ancestorsOf, commandLine, ownPid, readProcess } from '../proc.ts'
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
  readonly slot: FifoLock
  /** Held by the one command that collects several slots; see `collect.ts`. */
  readonly turn: FifoLock
  /** A FIFO that is written to when a slot is lent. */
  readonly bell: string
  /** The slots of other recipes under the same jobserver. */
  others(): FifoLock[]
}

/** @throws JobslotError `ERR_JOBSLOT_STATE_DIR` */
export function recipeOf(jobserver: string | null): Recipe {
  const folder = folderOf(jobserver)
  const name = callerName()
  return {
    slot: new FifoLock(join(folder, name)),
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

function callerName(): string {
  const self = ownPid()
  const caller = callerOf(ancestorsOf(self), (entry) => isNodeLauncher(commandLine(entry.pid))) ?? readProcess(self)
  return caller ? `${caller.pid}-${caller.startTime}` : `${process.ppid}-0`
}
