import type { Binding } from './binding.ts'
import { NO_TIMEOUT } from './binding.ts'
import { native } from './load.ts'
import { checked } from './system-error.ts'

/** How a wait on the addon's thread ended. */
export type WaitEnd =
  | { status: 'ready'; value: number; data: Buffer | undefined }
  | { status: 'timeout' }
  | { status: 'failed'; errno: number }

const ends = new Map<number, (end: WaitEnd) => void>()
let lastId = 0
let listening = false

function listen(binding: Binding): void {
  binding.listen((id, status, value, data) => {
    const end = ends.get(id)
    ends.delete(id)
    if (status === 0) end?.({ status: 'ready', value, data })
    else end?.(status === 1 ? { status: 'timeout' } : { status: 'failed', errno: value })
  })
  listening = true
  giveBackAtExit()
}

/**
 * Starts a wait: `begin` makes the native call with the id it is given, and returns that call's result. `onEnd` is
 * called once, later, unless `cancelWait` gets in first. Returns the id, or -errno when the wait could not start.
 */
export function startWait(begin: (binding: Binding, id: number) => number, onEnd: (end: WaitEnd) => void): number {
  const binding = native()
  if (!listening) listen(binding)
  lastId = lastId >= 0x7fffffff ? 1 : lastId + 1
  while (ends.has(lastId)) lastId++
  const id = lastId
  const result = begin(binding, id)
  if (result < 0) return result
  ends.set(id, onEnd)
  return id
}

/** True: the wait ended here and `onEnd` will not be called. False: it has its result, and `onEnd` is on its way. */
export function cancelWait(id: number): boolean {
  const cancelled = native().cancel(id)
  if (cancelled) ends.delete(id)
  return cancelled
}

/**
 * The same as a promise. An abort that comes when the wait already has its result is too late.
 *
 * @throws the signal's reason; a system error of `syscall` where the wait could not start.
 */
export function waitFor(
  begin: (binding: Binding, id: number) => number,
  syscall: string,
  signal: AbortSignal | undefined,
): Promise<WaitEnd> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const onAbort = () => {
      if (cancelWait(id)) reject(signal?.reason)
    }
    const id = startWait(begin, (end) => {
      signal?.removeEventListener('abort', onAbort)
      resolve(end)
    })
    checked(id, syscall)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** What the addon takes for a caller's timeout. @throws TypeError */
export function timeoutOf(timeout: number | undefined): number {
  if (timeout === undefined || timeout === Number.POSITIVE_INFINITY) return NO_TIMEOUT
  if (typeof timeout !== 'number' || Number.isNaN(timeout))
    throw new TypeError('timeout must be a number of milliseconds')
  return Math.max(0, timeout)
}

let atExit = false

/**
 * From now on every token that is out when the process exits is given back. The `exit` event is the one thing that
 * runs on `process.exit` and after an uncaught error; an environment's cleanup hooks do not.
 */
export function giveBackAtExit(): void {
  if (atExit) return
  atExit = true
  process.on('exit', () => native().stop())
}
