import { JobslotError } from '../errors.ts'
import type { JobserverAuth } from '../makeflags/index.ts'
import type { ChildJobserver, ChildSpawnOptions } from './child-options.ts'
import { childOptions } from './child-options.ts'
import type { Limit } from './limit.ts'
import { makeLimit } from './limit.ts'
import { Slot, type SlotWaiter } from './slot.ts'
import type { SlotQueue, Waiter } from './slot-queue.ts'

/** How long to wait for a slot. */
export interface AcquireOptions {
  /** Milliseconds. 0 does not wait; left out, it waits until a slot comes. */
  timeout?: number | undefined
  /** Ends the wait; the promise rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** What `connect` found out, from which a client is made. @internal */
export interface ClientParts {
  queue: SlotQueue
  identity: string | null
  auth: JobserverAuth | null
  jobs: number | null
  load: number | null
  problem: JobslotError | null
  child: ChildJobserver
  onClosed?: () => void
}

/** Takes slots from the limit in force and gives them back. Made by `connect`. */
export class Client {
  /** The jobserver in use; null for slots of one's own, a limit of one, or a jobserver that cannot be used. */
  readonly auth: JobserverAuth | null
  /** N of the `-jN` that the build was started with, where it was told: the limit, the implicit slot included. */
  readonly jobs: number | null
  /** The load limit (`-l`) that the build was started with. */
  readonly load: number | null
  /** Why the jobserver that was named cannot be used; then the implicit slot is all there is. */
  readonly problem: JobslotError | null

  /** The same text for every way to name the same jobserver; null where there is none. @internal */
  readonly identity: string | null

  readonly #queue: SlotQueue
  readonly #child: ChildJobserver
  readonly #onClosed: (() => void) | undefined
  readonly #held: Slot[] = []
  readonly #waiters = new Map<SlotWaiter, Waiter>()
  #limit: Limit | undefined
  #closed = false

  /** @internal */
  constructor(parts: ClientParts) {
    this.#queue = parts.queue
    this.identity = parts.identity
    this.#child = parts.child
    this.#onClosed = parts.onClosed
    this.auth = parts.auth
    this.jobs = parts.jobs
    this.load = parts.load
    this.problem = parts.problem
    this.#queue.open()
  }

  /** Slots that lie ready at this moment, the implicit one included. Others may be faster. */
  get available(): number {
    return this.#closed ? 0 : this.#queue.available
  }

  /**
   * A slot that is free now, or null; never waits, and never overtakes those in this process who do.
   *
   * @throws JobslotError `ERR_JOBSLOT_CLOSED` after `close`
   */
  tryAcquire(): Slot | null {
    if (this.#closed) throw closedError()
    const token = this.#queue.take()
    return token === null ? null : this.#hold(token)
  }

  /**
   * Waits for a slot, in order of arrival. While it waits, the process stays alive and uses no CPU. The wait ends by a
   * slot, the timeout, the signal, `close`, or the end of the jobserver.
   *
   * @throws JobslotError `ERR_JOBSLOT_TIMEOUT`, `ERR_JOBSLOT_CLOSED`, `ERR_JOBSLOT_GONE`; the signal's reason
   */
  async acquire(options: AcquireOptions = {}): Promise<Slot> {
    const { signal } = options
    signal?.throwIfAborted()
    const timeout = checkTimeout(options.timeout)
    const slot = this.tryAcquire()
    if (slot) return slot
    if (timeout <= 0) throw timeoutError(timeout)
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
      const waiter: SlotWaiter = {
        deliver: (slot) => {
          settle()
          resolve(slot)
        },
        fail: (error) => {
          settle()
          reject(error)
        },
      }
      const onAbort = () => this.fail(waiter, signal?.reason)
      const timer = Number.isFinite(timeout)
        ? setTimeout(() => this.fail(waiter, timeoutError(timeout)), timeout)
        : undefined
      signal?.addEventListener('abort', onAbort, { once: true })
      this.enqueue(waiter)
    })
  }

  /**
   * As `acquire`, but blocks the thread until it has a slot, or until the timeout. No signal can end it, for nothing else
   * runs in this thread meanwhile.
   *
   * @throws JobslotError `ERR_JOBSLOT_TIMEOUT`, `ERR_JOBSLOT_CLOSED`, `ERR_JOBSLOT_GONE`; `ERR_JOBSLOT_DEADLOCK` where only
   * this thread could give back what it waits for
   */
  acquireSync(options: { timeout?: number | undefined } = {}): Slot {
    if (this.#closed) throw closedError()
    const timeout = checkTimeout(options.timeout)
    const token = this.#queue.takeWithin(timeout)
    if (token === null) throw timeoutError(timeout)
    return this.#hold(token)
  }

  /**
   * Runs `fn` in a slot, which is released when what `fn` returns has settled. Resolves to that, or rejects with what `fn`
   * throws; else as `acquire`.
   */
  async run<T>(fn: (slot: Slot) => T | PromiseLike<T>, options: AcquireOptions = {}): Promise<T> {
    const slot = await this.acquire(options)
    try {
      return await fn(slot)
    } finally {
      slot.release()
    }
  }

  /** A function in the manner of p-limit: `client.limit(fn, ...args)` runs `fn(...args)` in a slot. Always the same one. */
  get limit(): Limit {
    this.#limit ??= makeLimit(this)
    return this.#limit
  }

  /**
   * Options for `child_process.spawn` with which the child gets the jobserver: Node would close its descriptors.
   * Whatever `stdio` says is kept; `fork` wants it told, with 'ipc' among it. `exec` and `execFile` pass no descriptors
   * on. A jobserver that cannot be used is taken out of the child's environment. What is given is not changed.
   *
   * @throws JobslotError `ERR_JOBSLOT_CLOSED` after `close`
   */
  childOptions<T extends ChildSpawnOptions>(options?: T): T & ChildSpawnOptions {
    if (this.#closed) throw closedError()
    return childOptions(this.#child, options)
  }

  /** Releases every slot taken through this client and rejects what waits (`ERR_JOBSLOT_CLOSED`). Again: does nothing. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const waiter of [...this.#waiters.keys()]) this.fail(waiter, closedError())
    while (this.#held.length > 0) this.drop(this.#held[this.#held.length - 1]!)
    this.#queue.close()
    this.#onClosed?.()
  }

  /** The same as `close`, for `using`. */
  [Symbol.dispose](): void {
    this.close()
  }

  /** Puts `waiter` at the end of the queue. For what waits without a promise of its own. @internal */
  enqueue(waiter: SlotWaiter): void {
    const inQueue: Waiter = {
      deliver: (token) => {
        this.#waiters.delete(waiter)
        waiter.deliver(this.#hold(token))
      },
      fail: (error) => {
        this.#waiters.delete(waiter)
        waiter.fail(error)
      },
    }
    this.#waiters.set(waiter, inQueue)
    this.#queue.wait(inQueue)
  }

  /** Takes `waiter` out of the queue and tells it why. @internal */
  fail(waiter: SlotWaiter, reason: unknown): void {
    const inQueue = this.#waiters.get(waiter)
    if (!inQueue) return
    this.#waiters.delete(waiter)
    this.#queue.leave(inQueue)
    waiter.fail(reason)
  }

  /** @internal */
  drop(slot: Slot): void {
    const last = this.#held.pop()!
    if (last !== slot) {
      this.#held[slot.index] = last
      last.index = slot.index
    }
    slot.index = -1
    this.#queue.giveBack(slot.token)
  }

  #hold(token: number): Slot {
    const slot = new Slot(this, token, this.#held.length)
    this.#held.push(slot)
    return slot
  }
}

function checkTimeout(timeout: number | undefined): number {
  if (timeout === undefined) return Number.POSITIVE_INFINITY
  if (typeof timeout !== 'number' || Number.isNaN(timeout)) {
    throw new TypeError(`timeout must be a number of milliseconds, not ${String(timeout)}`)
  }
  // setTimeout takes no more: a longer wait is one without end.
  return timeout > 0x7fffffff ? Number.POSITIVE_INFINITY : Math.max(0, timeout)
}

function timeoutError(timeout: number): JobslotError {
  return new JobslotError('ERR_JOBSLOT_TIMEOUT', `no slot became free within ${timeout} ms`)
}

function closedError(): JobslotError {
  return new JobslotError('ERR_JOBSLOT_CLOSED', 'this client was closed: call connect() for a new one')
}
