import { JobslotError } from '../errors.ts'

/** The folder cannot be used as a store, as it is. */
export function unusable(dir: string, why: string, cause?: unknown): JobslotError {
  return new JobslotError('ERR_JOBSLOT_STORE', `the job store ${dir} cannot be used: ${why}`, { cause })
}

/** No program comes so far by itself: what it appended would be read by nobody. */
export function noNumbers(): JobslotError {
  const cause = 'a line that jobslot has not written has the last number there is'
  return new JobslotError('ERR_JOBSLOT_STORE', `the job store takes nothing more, as ${cause}: begin a new one`)
}

/** The disk, or the right to it, failed an operation. */
export function failed(dir: string, cause: unknown): JobslotError {
  if (cause instanceof JobslotError) return cause
  const { code, message } = cause as NodeJS.ErrnoException
  return new JobslotError(
    'ERR_JOBSLOT_STORE_IO',
    `the job store ${dir} cannot be written or read (${code ?? message}): ${cureOf(code)}; ` +
      'what was asked for may have happened or not, what was answered before is kept',
    { cause },
  )
}

function cureOf(code: string | undefined): string {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return 'make room and try again'
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'this user needs the right to write into the folder and its files'
    case 'ENOENT':
      return 'it was removed, or there is another in its place: open it anew'
    default:
      return 'the cause has to go first'
  }
}

export function busy(dir: string, pid: number, stopped: boolean): JobslotError {
  const who = pid > 0 ? `process ${pid}` : 'another process'
  const how = stopped ? 'was stopped in the midst of an append' : 'has been in the midst of an append for too long'
  const cure = pid > 0 ? `continue it (kill -CONT ${pid}) or end it` : 'try again'
  return new JobslotError('ERR_JOBSLOT_STORE_BUSY', `the job store ${dir} cannot be written: ${who} ${how}: ${cure}`)
}

export function noJob(id: number): JobslotError {
  return new JobslotError(
    'ERR_JOBSLOT_NO_JOB',
    `there is no job ${id}: it never was, was removed, or its time to be kept is over`,
  )
}

export function claimLost(id: number, why: string): JobslotError {
  return new JobslotError(
    'ERR_JOBSLOT_CLAIM_LOST',
    `the claim on job ${id} is lost (${why}): another may run it by now`,
  )
}

export function wrongState(id: number, what: string, state: string): JobslotError {
  return new JobslotError('ERR_JOBSLOT_JOB_STATE', `job ${id} cannot be ${what}: it is ${state}`)
}

export function storeClosed(dir: string): JobslotError {
  return new JobslotError('ERR_JOBSLOT_CLOSED', `the job store ${dir} was closed`)
}
