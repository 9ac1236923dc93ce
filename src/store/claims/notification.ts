import type { JobError } from '../format/line.ts'
import { Claim } from './claim.ts'

/** The right to tell those who wait for a job of its end: nobody else has it at the same time. `done` ends it. */
export class Notification implements AsyncDisposable {
  /** Of the job. */
  readonly id: number
  /** How the job ended. */
  readonly state: 'fulfilled' | 'failed' | 'cancelled'
  /** What a fulfilled job was fulfilled with; undefined of another. */
  readonly value: Buffer | undefined
  /** Why a failed or cancelled job is that; undefined of another. */
  readonly error: JobError | undefined
  /** Whom to tell: what `queue` was given. */
  readonly waiting: unknown[]
  /** The claim's fencing number: higher than that of every claim before. */
  readonly claim: number
  readonly #claim = new Claim()
  readonly #done: (notification: Notification, served: readonly unknown[]) => Promise<void>

  constructor(
    about: Pick<Notification, 'id' | 'state' | 'value' | 'error' | 'waiting' | 'claim'>,
    done: (notification: Notification, served: readonly unknown[]) => Promise<void>,
  ) {
    this.id = about.id
    this.state = about.state
    this.value = about.value
    this.error = about.error
    this.waiting = about.waiting
    this.claim = about.claim
    this.#done = done
  }

  /** Aborted when the claim is lost. Then tell nobody any more: another may do so by now. */
  get signal(): AbortSignal {
    return this.#claim.signal
  }

  /** Called once, with the reason, when the claim is lost: the same as `signal`. None, unless one is set. */
  get oncompromised(): ((reason: unknown) => void) | undefined {
    return this.#claim.oncompromised
  }

  set oncompromised(callback: ((reason: unknown) => void) | undefined) {
    this.#claim.oncompromised = callback
  }

  /**
   * Over: the targets that were told are taken off, one for each; the others come again after a while: 1 s at first, twice
   * as long each time, at most 1 min.
   *
   * @param _error is ignored, as it always was: what counts is who was told
   * @throws JobslotError `ERR_JOBSLOT_CLAIM_LOST` where another may tell them by now: nothing has changed then
   */
  async done(_error: unknown, targets: readonly unknown[] = []): Promise<void> {
    if (!Array.isArray(targets)) throw new TypeError('the targets that were told must be an array')
    await this.#done(this, targets)
  }

  /** Nobody was told. A second time, or after `done`, does nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#claim.ended && !this.#claim.lost) await this.#done(this, [])
  }

  /** For the store. */
  static claimOf(notification: Notification): Claim {
    return notification.#claim
  }
}
