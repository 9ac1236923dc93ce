import { ownPid, readProcess } from '../proc.ts'
import type { JoinRequest } from './host.ts'

let last = 0

/**
 * What every request says of who asks. No two of a process are of the same time: by that it knows its own again when a
 * broker has died.
 */
export function thisProcess(): Pick<JoinRequest, 'pid' | 'startTime' | 'since'> {
  const pid = ownPid()
  last = Math.max(Date.now(), last + 1)
  return { pid, startTime: readProcess(pid)?.startTime ?? '0', since: last }
}
