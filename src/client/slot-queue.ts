import { JobslotError } from '../errors.ts'
import { Line } from './line.ts'
import type { TokenSource } from './token-source.ts'
import { GONE, NONE } from './token-source.ts'
import { trace, tracing } from './trace.ts'

/** Stands for the implicit slot where a token's byte would be. It never goes over the wire. */
export const IMPLICIT = -1

/** One who waits. `deliver` is called once: with a token or IMPLICIT, or with the reason why none will come. */
export interface Waiter {
  deliver(token: number): void
  fail(error: Error): void
}

/**
 * One limit as this process sees it: the implicit slot, the tokens, and those who wait, in the order in which they
 * came. There is one per process and jobserver, shared by every copy of this package in it (`shared-queues.ts`), so
 * its methods are a contract between versions.
 */
export class SlotQueue {
  readonly #source: TokenSource
  readonly #waiters = new Line<Waiter>()
  readonly #hasImplicit: boolean
  #implicitFree: boolean
  #waiting = false
  #gone = false
  #overtakes = false
  #overtaken: number | null = null
  #clients = 0
  readonly #onClosed: () => void

  constructor(source: TokenSource, options: { implicit: boolean; onClosed?: () => void }) {
    this.#source = source
    this.#hasImplicit = options.implicit
    this.#implicitFree = options.implicit
    this.#onClosed = options.onClosed ?? (() => {})
  }

  /** Slots free now: tokens that lie ready, and the implicit slot. */
  get available(): number {
    return (this.#gone ? 0 : this.#source.available()) + (this.#implicitFree ? 1 : 0)
  }

  /** A token, IMPLICIT, or null: never waits, and never overtakes those who do. */
  take(): number | null {
    if (this.#waiters.size > 0) return null
    if (this.#implicitFree) {
      this.#implicitFree = false
      if (tracing) trace('took the implicit slot')
      return IMPLICIT
    }
    return this.#token(this.#source.take())
  }

  /** Blocks the thread. Those who wait without blocking are overtaken: they cannot be served meanwhile anyway. */
  takeWithin(timeout: number): number | null {
    if (this.#implicitFree) {
      this.#implicitFree = false
      if (tracing) trace('took the implicit slot')
      return IMPLICIT
    }
    try {
      const token = this.#inFlight() ?? this.#token(this.#source.takeWithin(timeout))
      if (token === null && this.#gone) throw this.#goneError()
      return token
    } finally {
      this.#waitForToken()
    }
  }

  /**
   * Before the thread blocks: the wait for those in the queue ends, or it would take the very tokens this one waits for.
   * A token that was on its way to them is the caller's.
   */
  #inFlight(): number | null {
    if (!this.#waiting) return null
    if (this.#source.cancel()) {
      this.#waiting = false
      return null
    }
    this.#overtakes = true
    this.#source.flush()
    this.#overtakes = false
    const token = this.#overtaken
    this.#overtaken = null
    return token
  }

  /** Puts a waiter at the end of the queue. */
  wait(waiter: Waiter): void {
    this.#waiters.add(waiter)
    this.#waitForToken()
  }

  /** Takes a waiter out of the queue. What comes for it now goes to the next, or back. */
  leave(waiter: Waiter): void {
    if (!this.#waiters.remove(waiter) || this.#waiters.size > 0 || !this.#waiting) return
    if (this.#source.cancel()) this.#waiting = false
  }

  /** A token goes back to the server, where every process may have it; the implicit slot to the next here. */
  giveBack(token: number): void {
    if (token !== IMPLICIT) {
      if (tracing) trace('gave back token %d', token)
      this.#source.give(token)
      return
    }
    if (tracing) trace('gave back the implicit slot')
    const head = this.#waiters.shift()
    if (!head) {
      this.#implicitFree = true
      return
    }
    if (this.#waiters.size === 0 && this.#waiting && this.#source.cancel()) this.#waiting = false
    if (tracing) trace('took the implicit slot')
    head.deliver(IMPLICIT)
  }

  /** One more client uses this queue. */
  open(): void {
    this.#clients++
  }

  /** One client fewer. Behind the last one the descriptors are closed. */
  close(): void {
    if (--this.#clients > 0) return
    this.#source.close()
    this.#onClosed()
  }

  #token(token: number): number | null {
    if (token === NONE) return null
    if (token === GONE) {
      this.#gone = true
      return null
    }
    if (tracing) trace('took token %d', token)
    return token
  }

  /** Only the head of the queue reads. */
  #waitForToken(): void {
    if (this.#waiting || this.#waiters.size === 0) return
    if (this.#gone) {
      // With an implicit slot they wait for that one.
      if (!this.#hasImplicit) this.#failAll(this.#goneError())
      return
    }
    this.#waiting = true
    try {
      this.#source.wait(this.#delivered)
    } catch (error) {
      // No descriptor or no thread is to be had: nobody here would ever be served.
      this.#waiting = false
      this.#failAll(error as Error)
    }
  }

  readonly #delivered = (delivered: number): void => {
    this.#waiting = false
    const token = this.#token(delivered)
    if (this.#overtakes) {
      this.#overtaken = token
    } else if (token !== null) {
      const head = this.#waiters.shift()
      if (head) head.deliver(token)
      else this.giveBack(token)
    }
    this.#waitForToken()
  }

  #failAll(error: Error): void {
    // Whoever asks anew in its `fail` waits anew.
    for (let left = this.#waiters.size; left > 0; left--) this.#waiters.shift()?.fail(error)
  }

  #goneError(): JobslotError {
    return new JobslotError(
      'ERR_JOBSLOT_GONE',
      this.#hasImplicit
        ? 'the jobserver gives no more slots and the implicit slot is taken: release it first'
        : 'the jobserver gives no slots, and the implicit slot belongs to the main thread: take slots there',
    )
  }
}
