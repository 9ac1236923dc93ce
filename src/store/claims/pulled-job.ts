import { JobslotError } from '../../errors.ts'
import { LONGEST_TIMER_MS, msOf } from '../calls/arguments.ts'
import type { ValueInput } from '../journal/value.ts'
import { Claim } from './claim.ts'

/** What a pulled job asks of its store. */
export interface JobEnds {
  fulfill(job: PulledJob, value: ValueInput): Promise<void>
  fail(job: PulledJob, error: unknown, retry: boolean | undefined): Promise<void>
  release(job: PulledJob, delay: number): Promise<void>
  progress(job: PulledJob, value: unknown): Promise<void>
}

const AGAIN_MS = 1000

/** A job that this process has claimed, and is to run. */
export class PulledJob implements AsyncDisposable {
  /** Of the job. */
  readonly id: number
  /** As `create` or the last `update` was given it. */
  readonly request: unknown
  /** Of the request: 1 at first, one more with each `update`. */
  readonly version: number
  /** Which run it is, from 1 on. */
  readonly attempt: number
  /** The claim's fencing number: higher than that of every claim before. */
  readonly claim: number
  readonly #claim = new Claim()
  readonly #ends: JobEnds
  readonly #timeout: number | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(
    ends: JobEnds,
    about: {
      id: number
      request: unknown
      version: number
      attempt: number
      claim: number
      timeout: number | undefined
    },
  ) {
    this.#ends = ends
    this.id = about.id
    this.request = about.request
    this.version = about.version
    this.attempt = about.attempt
    this.claim = about.claim
    this.#timeout = about.timeout
    this.#startTime()
  }

  /** The request, as fs-job-store called it. */
  get value(): unknown {
    return this.request
  }

  /** Aborted when the claim is lost: cancelled, past its timeout, or given to another. Then stop the work. */
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
   * Done, with this value; empty where it is none. Resolves when that is on disk and `respond` has told the targets.
   *
   * @throws JobslotError `ERR_JOBSLOT_CLAIM_LOST` where another may run it by now: nothing has changed then
   */
  fulfill(value?: ValueInput): Promise<void> {
    return this.#ends.fulfill(this, value)
  }

  /**
   * This run has failed: it is tried again while it has attempts left, after its backoff; with `retry` true in any case,
   * with false in none.
   *
   * @param error an Error, of which message, code and stack are kept, or anything that says what went wrong
   * @param options `retry`: whether it is tried again; left out, its attempts decide
   * @throws JobslotError `ERR_JOBSLOT_CLAIM_LOST`
   */
  fail(error: unknown, options: { retry?: boolean | undefined } = {}): Promise<void> {
    return this.#ends.fail(this, error, options.retry)
  }

  /**
   * Gives it back as it was: it is pending again, or is after `delay` ms. After its end, or a second time, it does nothing.
   *
   * @param options `delay`: ms; default 0
   * @throws TypeError of a delay that is none
   */
  async release(options: { delay?: number | undefined } = {}): Promise<void> {
    const pause = msOf('delay', options.delay ?? 0)
    if (this.#claim.ended || this.#claim.lost) return
    await this.#ends.release(this, pause)
  }

  /**
   * How far it is, as any JSON: for `get`, `list` and `events`. It is forgotten when the job finishes.
   *
   * @throws JobslotError `ERR_JOBSLOT_CLAIM_LOST`
   */
  progress(value: unknown): Promise<void> {
    return this.#ends.progress(this, value)
  }

  /** Releases it, unless it has ended. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  /** What has to be done before the work can begin takes nothing of its `timeout`. @internal */
  async beginAfter(ready: Promise<unknown>): Promise<void> {
    clearTimeout(this.#timer)
    await ready
    if (!this.#claim.lost && !this.#claim.ended) this.#startTime()
  }

  /** For the store. */
  static claimOf(job: PulledJob): Claim {
    return job.#claim
  }

  /** For the store: nothing is to happen to it any more. */
  static stop(job: PulledJob): void {
    clearTimeout(job.#timer)
  }

  #startTime(): void {
    if (this.#timeout !== undefined) this.#endIn(this.#timeout, this.#timeout)
  }

  #endIn(left: number, timeout: number): void {
    const pause = Math.min(left, LONGEST_TIMER_MS)
    const next = left > pause ? () => this.#endIn(left - pause, timeout) : () => this.#overdue(timeout)
    this.#timer = setTimeout(next, pause).unref()
  }

  #overdue(timeout: number): void {
    const error = new JobslotError('ERR_JOBSLOT_TIMEOUT', `job ${this.id} has run for longer than its ${timeout} ms`)
    // Decided before the signal: what the work says on its abort comes too late.
    this.#ends.fail(this, error, undefined).catch(() => {
      // Nothing can be written now, and the job is still this process's.
      if (!this.#claim.ended) this.#timer = setTimeout(() => this.#overdue(timeout), AGAIN_MS).unref()
    })
    this.#claim.lose(error)
  }
}
