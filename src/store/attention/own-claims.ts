import { Notification } from '../claims/notification.ts'
import { PulledJob } from '../claims/pulled-job.ts'
import { monotonicMs } from '../clock.ts'
import type { Context } from '../engine/context.ts'
import { claimLost } from '../errors.ts'
import { ACTIVE } from '../state/table.ts'

/** Who runs a job and waits for nothing learns so soon that it was cancelled. */
const LOOK_MS = 200

/** What is claimed here: it shows that it lives while there is some, and tells its holder when one is lost. */
export class OwnClaims {
  readonly #context: Context
  readonly #leaseMs: number
  readonly #look: () => void
  #beats: NodeJS.Timeout | undefined
  #lastBeat = 0

  /** @param look reads what others have appended */
  constructor(context: Context, leaseMs: number, look: () => void) {
    this.#context = context
    this.#leaseMs = leaseMs
    this.#look = look
  }

  add(what: PulledJob | Notification): void {
    const { claims, lives } = this.#context
    claims.set(what.claim, what)
    // It waited for the disk; by now it may be cancelled.
    if (!this.#isHeld(what)) this.over(what.claim)
    if (this.#beats || claims.size === 0) return
    this.#beats = setInterval(() => this.#tick(), Math.min(LOOK_MS, Math.max(1, this.#leaseMs / 3))).unref()
    this.#lastBeat = monotonicMs()
    lives.beat()
  }

  /** The claim has ended, whoever ended it. */
  over(claim: number): void {
    const { claims } = this.#context
    const what = claims.get(claim)
    if (!what) return
    claims.delete(claim)
    if (claims.size === 0) this.stop()
    if (what instanceof PulledJob) PulledJob.stop(what)
    const held = what instanceof PulledJob ? PulledJob.claimOf(what) : Notification.claimOf(what)
    if (!held.ended) held.lose(claimLost(what.id, 'it was cancelled or given to another'))
  }

  /** The state is another one. */
  reloaded(): void {
    for (const [claim, what] of this.#context.claims) if (!this.#isHeld(what)) this.over(claim)
  }

  stop(): void {
    clearInterval(this.#beats)
    this.#beats = undefined
  }

  #isHeld(what: PulledJob | Notification): boolean {
    const { table, extras } = this.#context.engine.state
    if (what instanceof Notification) return extras.get(what.id)?.notify?.c === what.claim
    const row = table.find(what.id)
    return row >= 0 && table.phase[row] === ACTIVE && table.claim[row] === what.claim
  }

  #tick(): void {
    // First what happened meanwhile: who was stopped for longer than its lease learns of that before it shows life.
    this.#look()
    const now = monotonicMs()
    if (now - this.#lastBeat < this.#leaseMs / 4) return
    this.#lastBeat = now
    this.#context.lives.beat()
  }
}
