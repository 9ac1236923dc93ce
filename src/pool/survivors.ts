import { native } from '../native/load.ts'
import { checked, ENOSYS } from '../native/system-error.ts'
import { MEMBER_VARIABLE } from './marks.ts'

/** A process that is told from a later one of the same number by when it started: clock ticks since boot. */
export interface ProcessIdentity {
  pid: number
  startTime: string
}

const ROOM = 64

/**
 * The processes that were started with this mark and have not ended: also those whose parents have, and those that
 * left their session. None where processes do not tell their environment (outside Linux); one that took the variable
 * out of its own, and so on for its children, is not found, nor is one of another user.
 */
export function findMarked(mark: string, variable = MEMBER_VARIABLE): ProcessIdentity[] {
  for (let room = ROOM; ; room *= 2) {
    const into = new Float64Array(2 * room)
    const count = native().findMarked(variable, mark, into, room)
    if (count === -ENOSYS) return []
    if (checked(count, 'read', 'of /proc') > room) continue
    return Array.from({ length: count }, (_, i) => ({ pid: into[2 * i] as number, startTime: String(into[2 * i + 1]) }))
  }
}
