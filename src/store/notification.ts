import { Claim } from './claim.ts'
import type { JobError } from './line.ts'

/** The right to tell those who wait for a job of its end. */
export class Notification implements AsyncDisposable {
  readonly id: number
  readonly state: 'fulfilled' | 'failed' | 'cancelled'
  /** Of a fulfilled job. */
  readonly value: Buffer | undefined
  /** Of another. */
  readonly error: JobError | undefined
  /** Whom to tell: what `queue` was given. */
  readonly waiting: unknown[]
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

  /** Aborted when the claim is lost. */
  get signal(): AbortSignal {
    return this.#claim.signal
  }

  get oncompromised(): ((reason: unknown) => void) | undefined {
    return this.#claim.oncompromised
  }

  set oncompromised(callback: ((reason: unknown) => void) | undefined) {
    this.#claim.oncompromised = callback
  }

  /**
   * Over: the targets that were told are taken off, one for each; the others come again after a while.
   *
   * @param _error is ignored: what counts is who was told
   */
  async done(_error: unknown, targets: readonly unknown[] = []): Promise<void> {
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
