import { constants } from 'node:os'
import { getSystemErrorName } from 'node:util'

export const EAGAIN = constants.errno.EAGAIN
export const EBADF = constants.errno.EBADF
export const ENOSYS = constants.errno.ENOSYS
export const ESRCH = constants.errno.ESRCH
export const ENOENT = constants.errno.ENOENT
export const EINVAL = constants.errno.EINVAL
export const ETIMEDOUT = constants.errno.ETIMEDOUT
export const ECANCELED = constants.errno.ECANCELED

/** An error in the shape of Node's own: `code` ('EBADF'), `errno` (negative) and `syscall`. */
export function systemError(errno: number, syscall: string, subject?: string): NodeJS.ErrnoException {
  let code: string
  try {
    code = getSystemErrorName(-errno)
  } catch {
    code = `E${errno}`
  }
  const error: NodeJS.ErrnoException = new Error(
    `${code}: ${syscall}${subject === undefined ? '' : ` ${subject}`} failed`,
  )
  error.code = code
  error.errno = -errno
  error.syscall = syscall
  return error
}

/** The result of a native call, or its error. */
export function checked(result: number, syscall: string, subject?: string): number {
  if (result < 0) throw systemError(-result, syscall, subject)
  return result
}
