/**
 * `jobslot/fd`: what Node's `fs` lacks for descriptors. Everything works on any descriptor (pipe, FIFO, socket,
 * terminal, file) and never changes a flag of a description that other processes share. Times are milliseconds.
 *
 * @module jobslot/fd
 */
import { JobslotError } from './errors.ts'
import { WAY_PARKED } from './native/binding.ts'
import type { DescriptorInfo } from './native/descriptor.ts'
import { describe } from './native/descriptor.ts'
import type { ReadWay } from './native/ends.ts'
import { openReadEnd, openWriteEnd } from './native/ends.ts'
import { native } from './native/load.ts'
import { checked, EAGAIN, EBADF, ETIMEDOUT, systemError } from './native/system-error.ts'
import type { WaitEnd } from './native/waits.ts'
import { timeoutOf, waitFor } from './native/waits.ts'

export type { DescriptorInfo, ReadWay }

/** How long to wait. */
export interface WaitOptions {
  /** Milliseconds; 0 asks and does not wait; left out, it waits for ever. */
  timeout?: number | undefined
  /** Ends the wait; the promise rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** How long to wait for bytes, and how to read them. */
export interface ReadOptions extends WaitOptions {
  /**
   * How to read without blocking and without setting O_NONBLOCK for everyone. Left out, the first that works:
   * `own`, a description of our own, opened through /proc (Linux); `splice`, for pipes and FIFOs (Linux); `parked`,
   * a thread that waits with poll(2) and reads a byte at a time with read(2). Sockets and files need none of them.
   */
  way?: ReadWay | undefined
}

/** Events a descriptor can be polled for. Hang-up and errors are always reported. */
export type PollEvent = 'read' | 'write' | 'priority'

/** What a descriptor is ready for. */
export interface PollResult {
  /** There are bytes to read, or the end of the file. */
  readable: boolean
  /** There is room to write. */
  writable: boolean
  /** There is urgent data, or another exceptional condition. */
  priority: boolean
  /** The other side has closed. There may still be bytes to read. */
  hangup: boolean
  /** It is in error: of a pipe's writing end, that nobody reads any more. */
  error: boolean
}

const POLLIN = 1
const POLLPRI = 2
const POLLOUT = 4
const POLLERR = 8
const POLLHUP = 16
const POLLNVAL = 32

/**
 * A new descriptor (close-on-exec) for the same description: position and flags stay shared.
 *
 * @returns its number; `close` closes it
 * @throws a system error: `EBADF` where `fd` is not open, `EMFILE` where this process has too many
 */
export function dup(fd: number): number {
  return checked(native().dup(fd), 'dup')
}

/**
 * A description of one's own on what `fd` is open on: its O_NONBLOCK is nobody else's. Linux only, and not for sockets.
 *
 * @param options `access`: what it is opened for, by default what `fd` is; `nonblocking`: whether it has O_NONBLOCK, by
 * default it has
 * @returns its number; `close` closes it
 * @throws a system error: `ENXIO` for a socket, `EACCES` where the file's rights forbid it, `ENOSYS` outside Linux
 */
export function reopen(
  fd: number,
  options: { access?: 'read' | 'write' | 'both' | undefined; nonblocking?: boolean | undefined } = {},
): number {
  const access = { read: 0, write: 1, both: 2 } as const
  const wanted = access[options.access ?? describe(fd).access]
  return checked(native().reopen(fd, wanted, options.nonblocking ?? true), 'open', `of descriptor ${fd}`)
}

/** Closes a descriptor, in particular one that `dup` or `reopen` made. @throws a system error: `EBADF` */
export function close(fd: number): void {
  checked(native().close(fd), 'close')
}

/** What `fd` is open on, and its flags. @throws a system error: `EBADF` */
export function info(fd: number): DescriptorInfo {
  return describe(fd)
}

/** How many bytes can be read from `fd` now. @throws a system error: `ENOTTY` for what keeps no such count */
export function available(fd: number): number {
  return checked(native().available(fd), 'ioctl(FIONREAD)')
}

/**
 * Makes a named pipe.
 *
 * @param mode its permission bits, less the process's umask
 * @throws a system error: `EEXIST`, `ENOENT`, `EACCES`
 */
export function mkfifo(path: string, mode = 0o600): void {
  checked(native().mkfifo(path, mode), 'mkfifo', path)
}

/**
 * Waits until `fd` is ready, hung up or in error. Resolves to null when the timeout came first. The wait works on its
 * own duplicate: closing or reusing the number meanwhile harms nothing. While it waits, the process stays alive and uses
 * no CPU.
 *
 * @throws the signal's reason; a system error: `EBADF`
 */
export async function poll(
  fd: number,
  events: PollEvent | readonly PollEvent[],
  options: WaitOptions = {},
): Promise<PollResult | null> {
  const mask = maskOf(events)
  const timeout = timeoutOf(options.timeout)
  const end = await waitFor((binding, id) => binding.waitEvents(id, fd, mask, timeout), 'poll', options.signal)
  if (end.status === 'timeout') return null
  return resultOf(readyValue(end, 'poll'))
}

/** As `poll`, but blocks the calling thread until then. Left out, `options.timeout` is for ever. */
export function pollSync(
  fd: number,
  events: PollEvent | readonly PollEvent[],
  options: { timeout?: number | undefined } = {},
): PollResult | null {
  const revents = checked(native().poll(fd, maskOf(events), timeoutOf(options.timeout)), 'poll')
  return revents === 0 ? null : resultOf(revents)
}

/**
 * Reads at most `length` bytes as soon as there are any; an empty Buffer means end of file. Bytes that were read are
 * always delivered: where they come at the same moment as the timeout or the abort, they win. While it waits, the process
 * stays alive and uses no CPU.
 *
 * @throws JobslotError `ERR_JOBSLOT_TIMEOUT`; the signal's reason; a system error: `EBADF`
 *
 * @example
 * ```js
 * import { openSync } from 'node:fs'
 * import { mkfifo, read, write } from 'jobslot/fd'
 *
 * mkfifo('letterbox')
 * const end = openSync('letterbox', 'r+')
 * setTimeout(() => write(end, Buffer.from('hello')), 10)
 * console.log(String(await read(end, 100, { timeout: 5000 })))
 * ```
 */
export async function read(fd: number, length: number, options: ReadOptions = {}): Promise<Buffer> {
  checkLength(length)
  options.signal?.throwIfAborted()
  const timeout = timeoutOf(options.timeout)
  const end = openReadEnd(fd, options.way)
  if (length === 0) {
    native().close(end.fd)
    return Buffer.alloc(0)
  }
  const wanted = end.way === WAY_PARKED ? 1 : length
  const ended = await waitFor(
    (binding, id) => binding.waitBytes(id, end.fd, end.way, wanted, timeout),
    'read',
    options.signal,
  )
  if (ended.status === 'timeout') throw readTimeout(fd, timeout)
  readyValue(ended, 'read')
  return (ended.status === 'ready' && ended.data) || Buffer.alloc(0)
}

/**
 * As `read`, but blocks the calling thread until then. Left out, `options.timeout` is for ever.
 *
 * @throws JobslotError `ERR_JOBSLOT_TIMEOUT`; a system error: `EBADF`
 */
export function readSync(
  fd: number,
  length: number,
  options: { timeout?: number | undefined; way?: ReadWay | undefined } = {},
): Buffer {
  checkLength(length)
  const end = openReadEnd(fd, options.way)
  try {
    if (length === 0) return Buffer.alloc(0)
    const buffer = Buffer.allocUnsafe(length)
    const timeout = timeoutOf(options.timeout)
    const n = native().readWithin(end.fd, end.way, buffer, timeout)
    if (n === -ETIMEDOUT) throw readTimeout(fd, timeout)
    return buffer.subarray(0, checked(n, 'read'))
  } finally {
    native().close(end.fd)
  }
}

/**
 * Writes what can be written at once, never waiting, and returns the number of bytes: 0 when there is no room now
 * (`poll(fd, 'write')` waits for some).
 *
 * @throws a system error: `EBADF`; `EPIPE` where nobody reads any more
 */
export function write(fd: number, bytes: Uint8Array): number {
  if (bytes.length === 0) return 0
  const end = openWriteEnd(fd)
  try {
    const n = native().write(end.fd, end.own, bytes)
    return n === -EAGAIN ? 0 : checked(n, 'write')
  } finally {
    native().close(end.fd)
  }
}

function maskOf(events: PollEvent | readonly PollEvent[]): number {
  const bits = { read: POLLIN, priority: POLLPRI, write: POLLOUT } as const
  let mask = 0
  for (const event of typeof events === 'string' ? [events] : events) {
    if (!Object.hasOwn(bits, event))
      throw new TypeError(`poll: unknown event ${String(event)}: use read, write or priority`)
    mask |= bits[event]
  }
  return mask
}

function resultOf(revents: number): PollResult {
  if (revents & POLLNVAL) throw systemError(EBADF, 'poll')
  return {
    readable: (revents & POLLIN) !== 0,
    writable: (revents & POLLOUT) !== 0,
    priority: (revents & POLLPRI) !== 0,
    hangup: (revents & POLLHUP) !== 0,
    error: (revents & POLLERR) !== 0,
  }
}

function checkLength(length: number): void {
  if (!Number.isInteger(length) || length < 0 || length > 0x7fffffff) {
    throw new TypeError(`read: length must be a whole number of bytes, not ${String(length)}`)
  }
}

function readTimeout(fd: number, timeout: number): JobslotError {
  return new JobslotError('ERR_JOBSLOT_TIMEOUT', `nothing to read from descriptor ${fd} within ${timeout} ms`)
}

function readyValue(end: WaitEnd, syscall: string): number {
  if (end.status === 'failed') throw systemError(end.errno, syscall)
  return end.status === 'ready' ? end.value : 0
}
