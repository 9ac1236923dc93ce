import { JobslotError } from '../errors.ts'
import { Ask } from './ask.ts'
import type { Batch } from './batch.ts'
import type { Claim } from './claim.ts'
import type { Context } from './context.ts'
import { claimLost } from './errors.ts'
import type { WaitOptions } from './job-store.ts'
import { Notification } from './notification.ts'
import { reap, sweep } from './operations.ts'
import { PulledJob } from './pulled-job.ts'
import { ACTIVE } from './table.ts'
import type { Watch } from './watch.ts'

/** A pull looks at others' lives by itself, when nobody here is waiting for anything; no more often than this. */
const LOOK_PAUSE_MS = 50
/** Behind a worker's end: its lock goes a moment after the file that tells of it. */
const AGAIN_MS = 2
const LONGEST_TIMER_MS = 2 ** 31 - 1

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
  readonly #waits = new Map<number, Set<(error?: unknown) => void>>()
  readonly #listeners = new Set<() => void>()
  #timer: NodeJS.Timeout | undefined
  #beats: NodeJS.Timeout | undefined
  #lastLook = 0
  #sweeping = false
  #reaping = new Set<number>()
  #closed: JobslotError | undefined

  constructor(context: Context, watch: (onEvent: (closed: boolean) => void) => Watch, leaseMs: number) {
    this.#context = context
    this.#leaseMs = leaseMs
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
    for (const [claim, what] of this.#context.claims) if (!this.#isHeld(what)) this.#claimOver(claim)
    for (const id of [...this.#waits.keys()]) {
      const row = table.find(id)
      if (row < 0 || table.phase[row]! > ACTIVE) this.#ended(id)
    }
  }

  /** Calls back whenever there may be something new, until it is disposed of. */
  listen(listener: () => void): Disposable {
    this.#listeners.add(listener)
    this.#on()
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
          this.#claimed(found)
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

  /** Something was claimed here: it may be lost, and its holder has to show that it lives. */
  #claimed(what: PulledJob | Notification): void {
    this.#context.claims.set(what.claim, what)
    // It waited for the disk; by now it may be cancelled.
    if (!this.#isHeld(what)) this.#claimOver(what.claim)
    if (this.#beats || this.#context.claims.size === 0) return
    this.#beats = setInterval(() => this.#beat(), Math.max(1, this.#leaseMs / 3)).unref()
    this.#context.lives.beat()
  }

  /** Resolves when the job has finished or is gone. */
  ended(id: number, { timeout, signal }: WaitOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw this.#closed
      signal?.throwIfAborted()
      let timer: NodeJS.Timeout | undefined
      const end = (error?: unknown) => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        const waits = this.#waits.get(id)
        waits?.delete(end)
        if (waits?.size === 0) this.#waits.delete(id)
        this.#off()
        if (error === undefined) resolve()
        else reject(error)
      }
      const onAbort = () => end(signal?.reason ?? new Error('aborted'))
      signal?.addEventListener('abort', onAbort, { once: true })
      if (timeout !== undefined && timeout <= LONGEST_TIMER_MS) {
        const message = `job ${id} has not finished in ${timeout} ms`
        timer = setTimeout(() => end(new JobslotError('ERR_JOBSLOT_TIMEOUT', message)), Math.max(0, timeout))
      }
      const waits = this.#waits.get(id)
      if (waits) waits.add(end)
      else this.#waits.set(id, new Set([end]))
      this.#on()
      this.#arm()
    })
  }

  /** For who only asks now and then: frees what the dead have claimed. */
  lookAtLives(now = performance.now()): void {
    const { engine, lives } = this.#context
    if (engine.state.holders.size === 0 || now - this.#lastLook < LOOK_PAUSE_MS) return
    this.#lastLook = now
    for (const worker of engine.state.holders.keys()) {
      if (this.#reaping.has(worker)) continue
      if (!lives.isAlive(worker)) this.#reap(worker, 'killed')
      else if (lives.isOverdue(worker)) this.#reap(worker, 'lease')
    }
  }

  close(reason: JobslotError): void {
    this.#closed = reason
    clearTimeout(this.#timer)
    for (const parked of [...this.#parked]) {
      this.#parked.delete(parked)
      this.#off()
      parked.ask.fail(reason)
    }
    for (const waits of [...this.#waits.values()]) for (const end of [...waits]) end(reason)
    for (const listener of this.#listeners) listener()
  }

  stop(): void {
    clearInterval(this.#beats)
  }

  #follow(): void {
    this.#context.engine.state.watcher = {
      ended: (id) => this.#ended(id),
      claimOver: (claim) => this.#claimOver(claim),
    }
  }

  #ended(id: number): void {
    for (const end of [...(this.#waits.get(id) ?? [])]) end()
  }

  #isHeld(what: PulledJob | Notification): boolean {
    const { table, extras } = this.#context.engine.state
    if (what instanceof Notification) return extras.get(what.id)?.notify?.c === what.claim
    const row = table.find(what.id)
    return row >= 0 && table.phase[row] === ACTIVE && table.claim[row] === what.claim
  }

  #claimOver(claim: number): void {
    const { claims } = this.#context
    const what = claims.get(claim)
    if (!what) return
    claims.delete(claim)
    if (claims.size === 0) {
      clearInterval(this.#beats)
      this.#beats = undefined
    }
    let held: Claim
    if (what instanceof PulledJob) {
      PulledJob.stop(what)
      held = PulledJob.claimOf(what)
    } else held = Notification.claimOf(what)
    if (!held.ended) held.lose(claimLost(what.id, 'it was cancelled or given to another'))
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
    this.#look()
    if (!closed) return
    this.#lookNow()
    setTimeout(() => this.#lookNow(), AGAIN_MS)
  }

  #lookNow(): void {
    if (this.#closed) return
    this.#lastLook = 0
    this.lookAtLives()
  }

  /** Hands pulls that wait to the engine, where there may be something for them. */
  #offer(): void {
    if (this.#parked.size === 0 || this.#closed) return
    const { engine } = this.#context
    const { state } = engine
    state.due(engine.now())
    const isFree = !state.paused && state.nextReady() !== undefined
    // Some of those in line may be out of date: who gets nothing comes back.
    const there = { job: isFree ? state.ready.size : 0, notification: state.ringing.size }
    for (const parked of this.#parked) {
      if (there[parked.what]-- <= 0) continue
      this.#parked.delete(parked)
      this.#off()
      engine.submit(parked.ask)
    }
    if (state.expired.size + state.doomed.size > 0) this.#sweep()
  }

  /** Reads what others have appended. What fails here fails for whoever asks, too, and is told to them. */
  #look(): void {
    try {
      this.#context.engine.catchUp()
    } catch {
      // Told to whoever asks.
    }
  }

  #sweep(): void {
    if (this.#sweeping) return
    this.#sweeping = true
    const done = () => {
      this.#sweeping = false
    }
    const ask = new Ask<void>((batch) => {
      sweep(batch)
      return true
    })
    ask.promise.then(done, done)
    this.#context.engine.submit(ask)
  }

  #reap(worker: number, why: 'killed' | 'lease'): void {
    const { engine, lives } = this.#context
    this.#reaping.add(worker)
    const done = () => {
      this.#reaping.delete(worker)
    }
    const ask = new Ask<void>((batch) => reap(this.#context, batch, worker, why))
    ask.promise.then(() => {
      done()
      if (why === 'killed') lives.bury(worker)
    }, done)
    engine.submit(ask)
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
    this.#look()
    this.#context.engine.state.due(this.#context.engine.now())
    this.#lookNow()
    this.#offer()
    if (this.#context.engine.state.expired.size > 0) this.#sweep()
    this.#arm()
  }

  #beat(): void {
    // First what happened meanwhile: who was stopped for longer than its lease learns of that before it shows life.
    this.#look()
    this.#context.lives.beat()
  }
}
