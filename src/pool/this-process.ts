import { ownPid, readProcess } from '../proc.ts'
import type { JoinRequest } from './host.ts'

/** What every request says of who asks. */
export function thisProcess(): Pick<JoinRequest, 'pid' | 'startTime' | 'since'> {
  const pid = ownPid()
  return { pid, startTime: readProcess(pid)?.startTime ?? '0', since: Date.now() }
}
