import type { Binding, Way } from './binding.ts'
import { WAY_DIRECT, WAY_PARKED, WAY_RECV, WAY_SPLICE } from './binding.ts'
import { describe } from './descriptor.ts'
import { native } from './load.ts'
import { checked } from './system-error.ts'

/** A way to read that a caller can insist on; see `read` in `jobslot/fd`. */
export type ReadWay = 'own' | 'splice' | 'parked'

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
  const binding = native()
  const { kind } = describe(fd)
  const pipe = kind === 'pipe' || kind === 'fifo'
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
  const { kind } = describe(fd)
  if (kind !== 'file' && kind !== 'directory' && kind !== 'socket') {
    const own = reopened(binding, fd, 'write')
    if (own >= 0) return { fd: own, own: true }
  }
  return { fd: checked(binding.dup(fd), 'dup'), own: false }
}
