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
  return hasOpenFifo(place, isRead) || hasMarked(place.mark)
}

/** Of any member: what is written of them cannot be read, so that nobody knows their numbers. */
function hasMarked(mark: string): boolean {
  return processes().some((pid) => {
    const env = environmentOf(pid)
    // Pools of another state folder may have the same names.
    return env.JOBSLOT_DIR === process.env.JOBSLOT_DIR && memberOf(env[MEMBER_VARIABLE], mark) !== null
  })
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
