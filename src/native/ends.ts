import type { Binding, Way } from './binding.ts'
import { WAY_DIRECT, WAY_PARKED, WAY_RECV, WAY_SPLICE } from './binding.ts'
import { describe } from './descriptor.ts'
import { native } from './load.ts'
import { checked, EBADF, EINVAL, systemError } from './system-error.ts'

/** A way to read that a caller can insist on: see `way` of `ReadOptions`. */
export type ReadWay = 'own' | 'splice' | 'parked'
const READ_WAYS: readonly ReadWay[] = ['own', 'splice', 'parked']

/** A descriptor of our own from which bytes can be read, and how. */
export interface ReadEnd {
  fd: number
  way: Way
}

const PROC_ACCESS = { read: 0, write: 1, both: 2 } as const

/** A non-blocking description of our own on what `fd` is open on, or a negative number. */
function reopened(binding: Binding, fd: number, access: keyof typeof PROC_ACCESS): number {
  return binding.reopen(fd, PROC_ACCESS[access], true)
}

/**
 * Opens `fd` for reads that never block, without touching the description it shares with others.
 *
 * @throws a system error where `fd` is no descriptor, or where the way asked for does not work on it.
 */
export function openReadEnd(fd: number, force?: ReadWay): ReadEnd {
  if (force !== undefined && !READ_WAYS.includes(force)) {
    throw new TypeError(`way must be one of ${READ_WAYS.join(', ')}, not ${String(force)}`)
  }
  const binding = native()
  const { kind, access } = describe(fd)
  // Opened again, it could be read all the same: /proc asks for the file's rights, not the descriptor's.
  if (access === 'write') throw systemError(EBADF, 'read', `of descriptor ${fd}`)
  const pipe = kind === 'pipe' || kind === 'fifo'
  if (force === 'splice' && !pipe) throw systemError(EINVAL, 'splice', `of descriptor ${fd}`)
  if (!force) {
    // A second description of a file would have its own position.
    if (kind === 'file' || kind === 'directory') return { fd: checked(binding.dup(fd), 'dup'), way: WAY_DIRECT }
    if (kind === 'socket') return { fd: checked(binding.dup(fd), 'dup'), way: WAY_RECV }
  }
  if (!force || force === 'own') {
    const own = reopened(binding, fd, 'read')
    if (own >= 0) return { fd: own, way: WAY_DIRECT }
    if (force) checked(own, 'open')
  }
  const splices = pipe && process.platform === 'linux' && force !== 'parked'
  return { fd: checked(binding.dup(fd), 'dup'), way: splices ? WAY_SPLICE : WAY_PARKED }
}

/** Opens `fd` for writes that never block. `own`: it is a description of our own. */
export function openWriteEnd(fd: number): { fd: number; own: boolean } {
  const binding = native()
  const { kind, access } = describe(fd)
  if (access === 'read') throw systemError(EBADF, 'write', `of descriptor ${fd}`)
  if (kind !== 'file' && kind !== 'directory' && kind !== 'socket') {
    const own = reopened(binding, fd, 'write')
    if (own >= 0) return { fd: own, own: true }
  }
  return { fd: checked(binding.dup(fd), 'dup'), own: false }
}
