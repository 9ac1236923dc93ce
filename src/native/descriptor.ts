import { constants } from 'node:fs'
import { native } from './load.ts'
import { checked } from './system-error.ts'

/** What a descriptor is open on, and how. */
export interface DescriptorInfo {
  /** `pipe` is an anonymous pipe, `fifo` a named one (outside Linux every pipe is a `fifo`). */
  kind: 'pipe' | 'fifo' | 'socket' | 'terminal' | 'character' | 'block' | 'file' | 'directory' | 'other'
  /** What it was opened for. */
  access: 'read' | 'write' | 'both'
  /** O_NONBLOCK of the description, which every process shares that has it open. */
  nonblocking: boolean
  /** O_APPEND of the description: each write goes to the file's end. */
  append: boolean
  /** FD_CLOEXEC of this descriptor alone. */
  closeOnExec: boolean
  /** Two descriptors with the same device and inode are open on the same thing. */
  device: number
  /** See `device`. */
  inode: number
}

const into = new Float64Array(6)

/** @throws a system error (`EBADF`) where `fd` is no open descriptor. */
export function describe(fd: number): DescriptorInfo {
  checked(native().info(fd, into), 'fstat', `of descriptor ${fd}`)
  const [mode, device, inode, status, flags, anonymous] = into as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const access = status & 3
  return {
    kind: kindOf(fd, mode & constants.S_IFMT, anonymous !== 0),
    access: access === constants.O_RDONLY ? 'read' : access === constants.O_WRONLY ? 'write' : 'both',
    nonblocking: (status & constants.O_NONBLOCK) !== 0,
    append: (status & constants.O_APPEND) !== 0,
    closeOnExec: (flags & 1) !== 0,
    device,
    inode,
  }
}

function kindOf(fd: number, type: number, anonymous: boolean): DescriptorInfo['kind'] {
  switch (type) {
    case constants.S_IFIFO:
      return anonymous ? 'pipe' : 'fifo'
    case constants.S_IFSOCK:
      return 'socket'
    case constants.S_IFCHR:
      return native().isTerminal(fd) === 1 ? 'terminal' : 'character'
    case constants.S_IFBLK:
      return 'block'
    case constants.S_IFREG:
      return 'file'
    case constants.S_IFDIR:
      return 'directory'
    default:
      return 'other'
  }
}
