import { setTimeout as sleep } from 'node:timers/promises'
import { processEnd } from '../../../pool/process-end.ts'
import type { ProcessIdentity } from '../../../pool/survivors.ts'
import { readProcess } from '../../../proc.ts'
import { killGroup } from '../../../worker/spawn.ts'

const LOOK_MS = 50

/**
 * Ends a process group: TERM, and KILL for what is left of it after `grace` ms, or when `hurry` is aborted. Resolves when
 * none is left of it.
 */
export async function endGroup(leader: number, grace: number, hurry: AbortSignal): Promise<void> {
  const began = performance.now()
  for (let isThere = killGroup(leader, 'SIGTERM'); isThere; ) {
    const isOver = hurry.aborted || performance.now() - began >= grace
    if (isOver) killGroup(leader, 'SIGKILL')
    await sleep(LOOK_MS)
    isThere = groupLives(leader)
  }
}

function groupLives(leader: number): boolean {
  try {
    return process.kill(-leader, 0)
  } catch {
    return false
  }
}

/** The same for processes that nobody here has started. */
export async function endProcesses(processes: readonly ProcessIdentity[], grace: number): Promise<void> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), grace)
  await Promise.all(processes.map((one) => endOne(one, late.signal)))
  clearTimeout(timer)
}

async function endOne(one: ProcessIdentity, late: AbortSignal): Promise<void> {
  signalTo(one, 'SIGTERM')
  try {
    await processEnd(one.pid, one.startTime, { signal: late, ref: true })
  } catch {
    signalTo(one, 'SIGKILL')
    await processEnd(one.pid, one.startTime, { ref: true })
  }
}

function signalTo({ pid, startTime }: ProcessIdentity, signal: NodeJS.Signals): void {
  if (readProcess(pid)?.startTime !== startTime) return
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended, or is another user's by now.
  }
}
