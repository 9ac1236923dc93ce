import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { stateDir } from '../state-dir.ts'
import { callerOf, isNodeLauncher } from './callers.ts'
import { FifoLock } from './fifo-lock.ts'
import { ancestorsOf, commandLine, readProcess } from './proc.ts'

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
    turn: new FifoLock(join(folder, 'turn')),
    bell: join(folder, 'bell'),
    others: () =>
      slotFiles(folder)
        .filter((other) => other !== name)
        .map((other) => new FifoLock(join(folder, other))),
  }
}

/** Removes what killed commands of recipes that are over left behind. */
export function sweepRecipes(jobserver: string | null): void {
  const folder = folderOf(jobserver)
  for (const name of slotFiles(folder)) {
    const [pid, startTime] = name.split('-')
    if (readProcess(Number(pid))?.startTime === startTime) continue
    const lock = new FifoLock(join(folder, name))
    if (lock.tryLock()) lock.unlock()
  }
}

function folderOf(jobserver: string | null): string {
  // Where there is no jobserver, the process alone tells the recipes apart.
  return join(stateDir(), 'recipes', jobserver ?? 'none')
}

function slotFiles(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /^\d+-\d+$/.test(name))
  } catch {
    return []
  }
}

function callerName(): string {
  const chain = ancestorsOf(process.pid)
  const caller = callerOf(chain, (entry) => isNodeLauncher(commandLine(entry.pid))) ?? readProcess(process.pid)
  return caller ? `${caller.pid}-${caller.startTime}` : `${process.ppid}-0`
}
