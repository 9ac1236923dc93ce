import { setTimeout as sleep } from 'node:timers/promises'
import type { Member } from './member.ts'
import { processEnd } from './process-end.ts'
import { findMarked, type ProcessIdentity } from './survivors.ts'

/** From fork to exec, on a busy machine. */
const START_MS = 50
const ASK_AGAIN_MS = 500

/**
 * Resolves when a member has ended for which nobody speaks: the process that asked for it, and then what runs in it. That
 * is a command whose process is known; or, where the asker died before it could tell, whatever carries the mark.
 *
 * @throws the signal's reason
 */
export async function outlived(member: Member, mark: string, signal: AbortSignal): Promise<void> {
  const { request } = member
  // A slot that was taken for another process is not the asker's.
  if (!member.command) await processEnd(request.pid, request.startTime, { signal })
  if (member.command) return processEnd(member.command.pid, member.command.startTime, { signal })
  // A command that was just being started carries the mark a moment later.
  await sleep(START_MS, undefined, { signal, ref: false })
  for (let first = await oneMarked(mark, signal); first; first = await oneMarked(mark, signal)) {
    await processEnd(first.pid, first.startTime, { signal })
  }
}

async function oneMarked(mark: string, signal: AbortSignal): Promise<ProcessIdentity | undefined> {
  for (;;) {
    try {
      return findMarked(mark)[0]
    } catch {
      // No descriptor is free: until it can be told, it lasts.
      await sleep(ASK_AGAIN_MS, undefined, { signal, ref: false })
    }
  }
}
