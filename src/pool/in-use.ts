import { readdirSync, readFileSync } from 'node:fs'
import { isRead } from './fifo-place.ts'
import { hasOpenFifo } from './folder.ts'
import { MEMBER_VARIABLE, memberOf } from './marks.ts'
import type { PoolPlace } from './place.ts'

/**
 * Whether anything of a pool without a broker lives: a FIFO of it is open somewhere, or a process carries the mark of a
 * member. A member of another PID namespace that has neither cannot be seen; while it is alive it starts a broker.
 */
export function isInUse(place: PoolPlace): boolean {
  return hasOpenFifo(place, isRead) || hasMarked(place.stamp)
}

/** Of any member: what is written of them cannot be read, so that nobody knows their numbers. */
function hasMarked(stamp: string): boolean {
  return processes().some((pid) => memberOf(environmentOf(pid)[MEMBER_VARIABLE], stamp) !== null)
}

function processes(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
  } catch {
    return []
  }
}

function environmentOf(pid: string): NodeJS.ProcessEnv {
  try {
    const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
    return Object.fromEntries(
      variables.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
    )
  } catch {
    // It has ended, or is another user's.
    return {}
  }
}
