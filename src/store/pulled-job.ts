import { JobslotError } from '../errors.ts'
import { Claim } from './claim.ts'
import type { JobError } from './line.ts'
import type { ValueInput } from './value.ts'

/** What a pulled job asks of its store. */
export interface JobEnds {
  fulfill(job: PulledJob, value: ValueInput): Promise<void>
  fail(job: PulledJob, error: unknown, retry: boolean | undefined): Promise<void>
  release(job: PulledJob, delay: number): Promise<void>
  progress(job: PulledJob, value: unknown): Promise<void>
}

/** A longer one would go off at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** A job that this process has claimed, and is to run. */
export class PulledJob implements AsyncDisposable {
  readonly id: number
  readonly request: unknown
  readonly version: number
  /** Which run it is, from 1 on. */
  readonly attempt: number
  /** The claim's fencing number: higher than that of every claim before. */
  readonly claim: number
  readonly #claim = new Claim()
  readonly #ends: JobEnds
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
    if (about.timeout !== undefined && about.timeout <= LONGEST_TIMER_MS)
      this.#timer = setTimeout(() => this.#overdue(about.timeout!), about.timeout).unref()
  }

  /** The request, as it was called once. */
  get value(): unknown {
    return this.request
  }

  /** Aborted when the claim is lost: cancelled, past its timeout, or given to another. Then stop the work. */
  get signal(): AbortSignal {
    return this.#claim.signal
  }

  get oncompromised(): ((reason: unknown) => void) | undefined {
    return this.#claim.oncompromised
  }

  set oncompromised(callback: ((reason: unknown) => void) | undefined) {
    this.#claim.oncompromised = callback
  }

  /** Done. @throws JobslotError `ERR_JOBSLOT_CLAIM_LOST` where another may run it by now: nothing has changed then */
  fulfill(value?: ValueInput): Promise<void> {
    return this.#ends.fulfill(this, value)
  }

  /** This run has failed: it is tried again while it has attempts left, or as `retry` says. */
  fail(error: unknown, { retry }: { retry?: boolean } = {}): Promise<void> {
    return this.#ends.fail(this, error, retry)
  }

  /** Gives it back as it was. A second time, or after its end, does nothing. */
  async release({ delay = 0 }: { delay?: number } = {}): Promise<void> {
    if (this.#claim.ended || this.#claim.lost) return
    await this.#ends.release(this, delay)
  }

  /** Any JSON, for `get` and `job list`. */
  progress(value: unknown): Promise<void> {
    return this.#ends.progress(this, value)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  /** For the store. */
  static claimOf(job: PulledJob): Claim {
    return job.#claim
  }

  /** For the store: nothing is to happen to it any more. */
  static stop(job: PulledJob): void {
    clearTimeout(job.#timer)
  }

  #overdue(timeout: number): void {
    const error = new JobslotError('ERR_JOBSLOT_TIMEOUT', `job ${this.id} has run for longer than its ${timeout} ms`)
    // Decided before the signal: what the work says on its abort comes too late.
    this.#ends.fail(this, error, undefined).catch(() => {})
    this.#claim.lose(error)
  }
}

/** An error as it stands in the journal. */
export function jobErrorOf(error: unknown): JobError {
  if (!(error instanceof Error))
    return { message: typeof error === 'string' ? error : (JSON.stringify(error) ?? String(error)) }
  const { code } = error as NodeJS.ErrnoException
  return {
    message: error.message,
    ...(typeof code === 'string' && { code }),
    ...(error.stack !== undefined && { stack: error.stack }),
  }
}
