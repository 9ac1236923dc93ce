import { jsonOf } from './calls/arguments.ts'
import { type JobEnds, PulledJob } from './claims/pulled-job.ts'
import { Ask } from './engine/ask.ts'
import type { Batch } from './engine/batch.ts'
import type { Context } from './engine/context.ts'
import * as operations from './engine/operations.ts'
import { jobErrorOf } from './format/job-error.ts'
import type { Value } from './format/line.ts'
import type { Housekeeping } from './housekeeping/housekeeping.ts'
import { bytesOf, fileValue, inlineValue, type ValueInput } from './journal/value.ts'
import type { Notifying } from './notifying.ts'

/** How jobs end, with a claim or without: done when it is on disk, and those who wait for it were told. */
export class Ends implements JobEnds {
  readonly #context: Context
  readonly #notifying: Notifying
  readonly #housekeeping: Housekeeping

  constructor(context: Context, notifying: Notifying, housekeeping: Housekeeping) {
    this.#context = context
    this.#notifying = notifying
    this.#housekeeping = housekeeping
  }

  fulfill(job: PulledJob, value: ValueInput): Promise<void> {
    return PulledJob.claimOf(job).ending(this.fulfillJob(job.id, job, value))
  }

  fail(job: PulledJob, error: unknown, retry: boolean | undefined): Promise<void> {
    return PulledJob.claimOf(job).ending(this.failJob(job.id, job, error, retry))
  }

  release(job: PulledJob, delay: number): Promise<void> {
    const released = this.#ask((batch) => operations.release(batch, job, delay))
    return PulledJob.claimOf(job).ending(released)
  }

  progress(job: PulledJob, value: unknown): Promise<void> {
    return this.#ask((batch) => operations.progress(batch, job, jsonOf('progress', value)))
  }

  /** @param job where it is fenced by this claim */
  async fulfillJob(id: number, job: PulledJob | undefined, value: ValueInput): Promise<void> {
    const bytes = bytesOf(value)
    const stored = inlineValue(bytes) ?? (await this.#fileValue(id, job, bytes))
    await this.#ask((batch) => operations.fulfill(this.#context, batch, id, job, stored))
    await this.#notifying.respond(id)
  }

  /** @param job where it is fenced by this claim */
  async failJob(id: number, job: PulledJob | undefined, error: unknown, retry: boolean | undefined): Promise<void> {
    const told = jobErrorOf(error)
    await this.#ask((batch) => operations.fail(this.#context, batch, id, job, told, retry))
    await this.#notifying.respond(id)
  }

  async cancelJob(id: number, reason: unknown, grace: number | undefined): Promise<void> {
    const error = { ...jobErrorOf(reason), ...(grace !== undefined && { grace }) }
    await this.#ask((batch) => operations.cancel(batch, id, error))
    await this.#notifying.respond(id)
  }

  async #fileValue(id: number, job: PulledJob | undefined, bytes: Buffer): Promise<Value> {
    await this.#housekeeping.room
    return fileValue(this.#context.disk, id, job?.claim, bytes)
  }

  #ask(decide: (batch: Batch) => boolean): Promise<void> {
    const ask = new Ask<void>(decide)
    this.#context.engine.submit(ask)
    return ask.promise
  }
}
