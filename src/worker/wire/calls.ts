import { JobslotError } from '../../errors.ts'
import type { Channel } from './channel.ts'
import { CALL, CANCEL, FAILURE, RESULT, toError } from './messages.ts'

/** How long to wait for an answer. */
export interface CallOptions {
  /** Milliseconds to the answer. Default 60,000. */
  timeout?: number | undefined
  /** Ends the wait: the call rejects with the signal's reason, and the worker is told. */
  signal?: AbortSignal | undefined
}

/** Why a call to this method cannot be answered any more. */
export type Ended = (method: string) => Error

interface Pending {
  method: string
  resolve(value: unknown): void
  reject(error: unknown): void
  /** Takes the timer and the listener away. */
  release(): void
}

export const CALL_TIMEOUT_MS = 60_000
const LONGEST_MS = 0x7fffffff

/** The calls of one user that wait for an answer. While there is one, the socket keeps the process alive. */
export class Calls {
  readonly #channel: Channel
  readonly #name: string
  readonly #pending = new Map<number, Pending>()
  #lastId = 0
  #ended: Ended | null = null

  constructor(channel: Channel, name: string) {
    this.#channel = channel
    this.#name = name
  }

  /** `waited`: milliseconds of the timeout that are over. */
  async call<T>(
    method: string,
    payload: unknown,
    { timeout = CALL_TIMEOUT_MS, signal }: CallOptions,
    waited = 0,
  ): Promise<T> {
    checkMethod(method)
    checkTimeout(timeout)
    signal?.throwIfAborted()
    this.#throwIfEnded(method)
    const id = ++this.#lastId
    this.#channel.send(payload === undefined ? [CALL, id, method] : [CALL, id, method, payload])
    // To clone the payload may have run code of its own.
    this.#throwIfEnded(method)
    return new Promise<T>((resolve, reject) => {
      const giveUp = (error: unknown) => {
        if (!this.#channel.isClosed) this.#channel.send([CANCEL, id])
        this.#settle(id)?.reject(error)
      }
      const timer = setTimeout(() => giveUp(lateAnswer(this.#name, method, timeout)), Math.max(0, timeout - waited))
      const onAbort = () => giveUp(signal?.reason)
      signal?.addEventListener('abort', onAbort, { once: true })
      const release = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
      this.#pending.set(id, { method, resolve: resolve as (value: unknown) => void, reject, release })
      if (this.#pending.size === 1) this.#channel.socket.ref()
      if (signal?.aborted) onAbort()
    })
  }

  notify(method: string, payload: unknown): void {
    checkMethod(method)
    this.#throwIfEnded(method)
    this.#channel.send([CALL, 0, method, payload])
  }

  /** An answer. Of a call that was given up there is nothing to settle. */
  onMessage([type, id, value]: readonly unknown[]): void {
    if (type === RESULT) this.#settle(id as number)?.resolve(value)
    else if (type === FAILURE) this.#settle(id as number)?.reject(toError(value))
  }

  /** Rejects what waits, and every call that comes. */
  end(ended: Ended): void {
    this.#ended ??= ended
    for (const [id, { method }] of [...this.#pending]) this.#settle(id)?.reject(this.#ended(method))
  }

  #throwIfEnded(method: string): void {
    if (this.#ended) throw this.#ended(method)
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id)
    if (!pending) return undefined
    this.#pending.delete(id)
    pending.release()
    if (this.#pending.size === 0) this.#channel.socket.unref()
    return pending
  }
}

export function lateAnswer(name: string, method: string, timeout: number): JobslotError {
  return new JobslotError(
    'ERR_JOBSLOT_TIMEOUT',
    `worker ${name} has not answered "${method}" within ${timeout} ms: give it more time (timeout), or kill it if ` +
      'it is stuck',
  )
}

export function checkMethod(method: string): void {
  if (typeof method !== 'string') throw new TypeError(`the method to call must be a string, not ${typeof method}`)
}

/** @throws TypeError for what is no time: everything has one, however long */
export function checkTimeout(timeout: number): void {
  if (typeof timeout !== 'number' || !(timeout >= 0 && timeout <= LONGEST_MS)) {
    throw new TypeError(`timeout must be a number of milliseconds from 0 to ${LONGEST_MS}, not ${String(timeout)}`)
  }
}
