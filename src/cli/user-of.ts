import { JobslotError } from '../errors.ts'
import { ownPid, readProcess } from '../proc.ts'

/** The process that is to hold a slot, by which number and start it is known for good. @throws JobslotError `ERR_JOBSLOT_NO_PROCESS` */
export function userOf(pid: number): { pid: number; startTime: string } {
  const entry = readProcess(pid)
  if (entry && !entry.ended) return { pid, startTime: entry.startTime }
  throw new JobslotError(
    'ERR_JOBSLOT_NO_PROCESS',
    readProcess(ownPid())
      ? `there is no process ${pid}: it has ended, so nothing can be held for it`
      : 'this system does not tell of other processes (no /proc), so nothing can be held for them: use acquire -- CMD',
  )
}
