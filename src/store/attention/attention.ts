import type { JobslotError } from '../../errors.ts'
import { LONGEST_TIMER_MS } from '../calls/arguments.ts'
import type { WaitOptions } from '../calls/calls.ts'
import type { Notification } from '../claims/notification.ts'
import type { PulledJob } from '../claims/pulled-job.ts'
import type { Watch } from '../disk/watch.ts'
import { Ask } from '../engine/ask.ts'
import type { Batch } from '../engine/batch.ts'
import type { Context } from '../engine/context.ts'
import { sweep } from '../engine/operations.ts'
import { ACTIVE } from '../state/table.ts'
import { OwnClaims } from './own-claims.ts'
import { Reaper } from './reaper.ts'
import { Waits } from './waits.ts'

/** Behind a worker's end: its lock goes a moment after the file that tells of it. */
const AGAIN_MS = 2

type Wanted = 'job' | 'notification'

interface Parked {
  what: Wanted
  ask: Ask<unknown>
}

/**
 * What goes on in a store without being asked for: pulls and waits that are open, claims that may be lost, workers that
 * may die, time that passes. While nobody waits and nothing is claimed, it does nothing.
 */
export class Attention {
  readonly #context: Context
  readonly #watch: Watch
  readonly #leaseMs: number
  readonly #parked = new Set<Parked>()
  readonly #waits = new Waits()
  readonly #own: OwnClaims
  readonly #reaper: Reaper
  readonly #listeners = new Set<() => void>()
  #timer: NodeJS.Timeout | undefined
  #sweeping = false
  #closed: JobslotError | undefined

  constructor(context: Context, watch: (onEvent: (closed: boolean) => void) => Watch, leaseMs: number) {
    this.#context = context
    this.#leaseMs = leaseMs
    this.#own = new OwnClaims(context, leaseMs, () => this.look())
    this.#reaper = new Reaper(context, () => this.look())
    this.#watch = watch((closed) => this.#stirred(closed))
    this.#follow()
  }

  get isClosed(): boolean {
    return this.#closed !== undefined
  }

  /** Lines were applied. */
  changed(): void {
    this.#offer()
    for (const listener of this.#listeners) listener()
    this.#arm()
  }

  /** The state is another one: what was known of it may have ended unseen. */
  reloaded(): void {
    this.#follow()
    const { table } = this.#context.engine.state
    this.#own.reloaded()
    for (const id of this.#waits.ids()) {
      const row = table.find(id)
      if (row < 0 || table.phase[row]! > ACTIVE) this.#waits.ended(id)
    }
  }

  /** Calls back whenever there may be something new, until it is disposed of. */
  listen(listener: () => void): Disposable {
    this.#listeners.add(listener)
    this.#on()
    this.#offer()
    this.#arm()
    this.lookAtLives()
    return {
      [Symbol.dispose]: () => {
        if (this.#listeners.delete(listener)) this.#off()
      },
    }
  }

  /** A pull that stays open while there is nothing for it. */
  pull<T extends PulledJob | Notification>(
    decide: (batch: Batch, ask: Ask<T | undefined>) => boolean,
    what: Wanted,
    wait: boolean,
    signal: AbortSignal | undefined,
  ): Promise<T | undefined> {
    if (this.#closed) return Promise.reject(this.#closed)
    if (signal?.aborted) return Promise.reject(signal.reason)
    let isAborted = false
    let parked: Parked | undefined
    const { engine } = this.#context
    const ask = new Ask<T | undefined>((batch, ask) => {
      if (isAborted) return ask.answer(undefined)
      if (!decide(batch, ask)) return false
      const found = ask.current
      if (found === undefined) {
        if (wait) ask.deferred = park
      } else {
        ask.settled = () => {
          this.#own.add(found)
          if (isAborted || this.#closed) found[Symbol.asyncDispose]().catch(() => {})
        }
      }
      return true
    })
    const park = () => {
      if (isAborted) return
      if (this.#closed) {
        ask.fail(this.#closed)
        return
      }
      parked = { what, ask: ask as Ask<unknown> }
      this.#parked.add(parked)
      this.#on()
      // Something may have come since it was decided.
      this.#offer()
      this.#arm()
      this.lookAtLives()
    }
    const onAbort = () => {
      isAborted = true
      if (parked && this.#parked.delete(parked)) this.#off()
      ask.fail(signal!.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    engine.submit(ask)
    if (!signal) return ask.promise
    return ask.promise.finally(() => signal.removeEventListener('abort', onAbort))
  }

  /** Resolves when the job has finished or is gone. */
  async ended(id: number, options: WaitOptions): Promise<void> {
    if (this.#closed) throw this.#closed
    this.#on()
    try {
      const ended = this.#waits.wait(id, options)
      this.#offer()
      this.#arm()
      await ended
    } finally {
      this.#off()
    }
  }

  /** For who only asks now and then: frees what the dead have claimed. */
  lookAtLives(): void {
    this.#reaper.look()
  }

  close(reason: JobslotError): void {
    this.#closed = reason
    clearTimeout(this.#timer)
    for (const parked of [...this.#parked]) {
      this.#parked.delete(parked)
      this.#off()
      parked.ask.fail(reason)
    }
    this.#waits.refuse(reason)
    for (const listener of this.#listeners) listener()
  }

  stop(): void {
    this.#own.stop()
  }

  #follow(): void {
    this.#context.engine.state.watcher = {
      ended: (id) => this.#waits.ended(id),
      claimOver: (claim) => this.#own.over(claim),
    }
  }

  /** Users of the watch: what waits. */
  #on(): void {
    this.#watch.on()
  }

  #off(): void {
    this.#watch.off()
    if (!this.#isAwaiting) clearTimeout(this.#timer)
  }

  get #isAwaiting(): boolean {
    return this.#parked.size + this.#waits.size + this.#listeners.size > 0
  }

  /** Another process did something. */
  #stirred(closed: boolean): void {
    this.look()
    if (!closed) return
    this.#lookNow()
    setTimeout(() => this.#lookNow(), AGAIN_MS)
  }

  #lookNow(): void {
    if (!this.#closed) this.#reaper.lookNow()
  }

  /** Hands pulls that wait to the engine, where there may be something for them. */
  #offer(): void {
    if (this.#closed) return
    const { engine } = this.#context
    const { state } = engine
    if (this.#isAwaiting) state.due(engine.now())
    // What waits in vain is cancelled by whoever sees it, though nobody waits here.
    if (state.doomed.size > 0 || (this.#isAwaiting && state.expired.size > 0)) this.#sweep()
    if (this.#parked.size === 0) return
    const isFree = !state.paused && state.nextReady() !== undefined
    // Some of those in line may be out of date: who gets nothing comes back.
    const there = { job: isFree ? state.ready.size : 0, notification: state.ringing.size }
    for (const parked of this.#parked) {
      if (there[parked.what]-- <= 0) continue
      this.#parked.delete(parked)
      this.#off()
      engine.submit(parked.ask)
    }
  }

  /** Reads what others have appended. What fails here fails for whoever asks, too, and is told to them. */
  look(): void {
    try {
      this.#context.engine.catchUp()
    } catch {
      // Told to whoever asks.
    }
  }

  #sweep(): void {
    if (this.#sweeping) return
    this.#sweeping = true
    const ask = new Ask<boolean>((batch, ask) => {
      const before = batch.lines.length
      sweep(batch)
      return ask.answer(batch.lines.length > before)
    })
    ask.promise.then(
      (isSwept) => {
        this.#sweeping = false
        // More may have fallen due while that went to disk.
        if (isSwept) this.#offer()
      },
      () => {
        this.#sweeping = false
      },
    )
    this.#context.engine.submit(ask)
  }

  /** Until something falls due, or a lease may be over: only while somebody waits. */
  #arm(): void {
    clearTimeout(this.#timer)
    if (!this.#isAwaiting || this.#closed) return
    const { engine } = this.#context
    const { state } = engine
    const due = state.timers.firstKey - engine.now()
    const lease = state.holders.size > 0 ? this.#leaseMs / 4 : Number.POSITIVE_INFINITY
    const pause = Math.min(due, lease, LONGEST_TIMER_MS)
    // What is past due and still there waits for an answer of the disk.
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, Math.ceil(pause)))
  }

  #tick(): void {
    this.look()
    this.#lookNow()
    this.#offer()
    // What falls due is told by no line.
    for (const listener of this.#listeners) listener()
    this.#arm()
  }
}
