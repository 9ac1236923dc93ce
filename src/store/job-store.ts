import { jsonOf, jsonsOf, positionOf } from './arguments.ts'
import { Ask } from './ask.ts'
import { Attention } from './attention.ts'
import type { Batch } from './batch.ts'
import type { ListOptions, Outlook, PullOptions, Stats, WaitOptions } from './calls.ts'
import { ending } from './claim.ts'
import type { Context } from './context.ts'
import { Engine } from './engine.ts'
import { noJob, storeClosed } from './errors.ts'
import { type Beginning, type EventOptions, EventReader, type StoreEvent } from './events.ts'
import { Housekeeping } from './housekeeping.ts'
import { jobErrorOf } from './job-error.ts'
import type { Options } from './line.ts'
import type { Notification } from './notification.ts'
import { Notifying } from './notifying.ts'
import type { Created } from './operations.ts'
import * as operations from './operations.ts'
import { createText, graceMs, idOf, type JobOptions, NO_OPTIONS, optionsOf, requestText } from './options.ts'
import type { Parts } from './parts.ts'
import { type JobEnds, PulledJob } from './pulled-job.ts'
import { Reading } from './reading.ts'
import * as targetOperations from './target-operations.ts'
import { bytesOf, fileValue, inlineValue, type ValueInput } from './value.ts'
import { type Report, verify } from './verify.ts'
import type { Job } from './view.ts'

/** Jobs in a folder, shared with other processes. */
export class JobStore {
  readonly #parts: Parts
  readonly #engine: Engine
  readonly #context: Context
  readonly #attention: Attention
  readonly #housekeeping: Housekeeping
  readonly #reading: Reading
  readonly #notifying: Notifying
  readonly #ends: JobEnds = {
    fulfill: (job, value) => ending(PulledJob.claimOf(job), this.#fulfill(job.id, job, value)),
    fail: (job, error, retry) => ending(PulledJob.claimOf(job), this.#fail(job.id, job, error, retry)),
    release: (job, delay) =>
      ending(
        PulledJob.claimOf(job),
        this.#ask((batch) => operations.release(batch, job, delay)),
      ),
    progress: (job, value) => this.#ask((batch) => operations.progress(batch, job, jsonOf('progress', value))),
  }
  #closing: Promise<void> | undefined

  constructor(parts: Parts) {
    this.#parts = parts
    const { disk, lines, loaded, synced, now, lives, pid } = parts
    const events = {
      changed: () => {
        this.#attention.changed()
        this.#housekeeping.changed()
      },
      reloaded: () => {
        this.#attention.reloaded()
        this.#housekeeping.reloaded()
      },
    }
    this.#engine = new Engine(disk, lines, loaded, { synced, now, events })
    const claims = new Map<number, PulledJob | Notification>()
    this.#context = { disk, engine: this.#engine, lives, pid, claims }
    this.#attention = new Attention(this.#context, parts.watch, parts.leaseMs)
    this.#housekeeping = new Housekeeping({ engine: this.#engine, disk, lines, lives, retention: parts.retention })
    this.#reading = new Reading(this.#engine)
    this.#notifying = new Notifying(this.#context, this.#attention, parts)
  }

  get dir(): string {
    return this.#parts.disk.dir
  }

  /** A new job. It is not claimed by this: `pullJob` is for that. */
  create(request: unknown, options: JobOptions = {}): Promise<Created> {
    try {
      const fields = this.#fieldsOf(options)
      return this.#create(fields, createText(request, fields))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** New jobs with the same options, with one write (of several, where there are more than 4096). */
  async createMany(requests: readonly unknown[], options: JobOptions = {}): Promise<Created[]> {
    const fields = this.#fieldsOf(options)
    // One that is no request is told before there is a job for another.
    const texts = requests.map((request) => createText(request, fields))
    return Promise.all(texts.map((text) => this.#create(fields, text)))
  }

  /** A job, and the value of a fulfilled one; undefined where there is none of that id. */
  async get(id: number | string): Promise<(Job & { value: Buffer | null }) | undefined> {
    const number = idOf(id)
    await this.#fresh()
    return this.#reading.get(number)
  }

  /** Jobs by id. `cursor` is null behind the last. */
  async list(options: ListOptions = {}): Promise<{ jobs: Job[]; cursor: number | null }> {
    await this.#fresh()
    return this.#reading.list(options)
  }

  /**
   * Another request for a job that has not finished, if its version is this; the new version.
   *
   * @throws JobslotError `ERR_JOBSLOT_CONFLICT` where it has another
   */
  async update(id: number | string, version: number, request: unknown): Promise<number> {
    const number = idOf(id)
    const json = requestText(request)
    return this.#ask((batch, ask) => operations.update(this.#context, batch, number, version, json, ask))
  }

  /** Claims the next job; undefined where there is none, unless it is to wait for one. */
  pullJob(options: PullOptions & { wait: true }): Promise<PulledJob>
  pullJob(options?: PullOptions): Promise<PulledJob | undefined>
  pullJob({ wait = false, signal }: PullOptions = {}): Promise<PulledJob | undefined> {
    if (!wait) this.#attention.lookAtLives()
    const decide = (batch: Batch, ask: Ask<PulledJob | undefined>) =>
      operations.pull(this.#context, this.#ends, batch, ask)
    return this.#attention.pull(decide, 'job', wait, signal)
  }

  pullWork(options: PullOptions & { wait: true }): Promise<PulledJob>
  pullWork(options?: PullOptions): Promise<PulledJob | undefined>
  pullWork(options?: PullOptions): Promise<PulledJob | undefined> {
    return this.pullJob(options)
  }

  /** Done, whoever runs it: any job that is not finished. */
  async fulfill(id: number | string, value?: ValueInput): Promise<void> {
    await this.#fulfill(idOf(id), undefined, value)
  }

  /** Failed, whoever runs it. It is tried again while it has attempts left, or as `retry` says. */
  async fail(id: number | string, error: unknown, { retry }: { retry?: boolean } = {}): Promise<void> {
    await this.#fail(idOf(id), undefined, error, retry)
  }

  /**
   * It is not to run, or not to go on: the signal of who runs it is aborted. `grace` stands in its `error`: how many ms
   * that one is to give it to end by itself.
   */
  async cancel(
    id: number | string,
    reason: unknown = 'it was cancelled',
    { grace }: { grace?: number } = {},
  ): Promise<void> {
    const number = idOf(id)
    const rounded = graceMs(grace)
    const error = { ...jobErrorOf(reason), ...(rounded !== undefined && { grace: rounded }) }
    await this.#ask((batch) => operations.cancel(batch, number, error))
    await this.#notifying.respond(number)
  }

  /** A failed or cancelled job is pending again, as if it had never failed. */
  async retry(id: number | string): Promise<void> {
    const number = idOf(id)
    await this.#ask((batch) => operations.retry(batch, number))
  }

  /** Forgets a job, whatever its state. */
  async remove(id: number | string): Promise<void> {
    const number = idOf(id)
    await this.#ask((batch) => operations.remove(batch, number))
  }

  /** No job is claimed until `resume`, by anybody; those that run go on. */
  async pause(): Promise<void> {
    await this.#ask((batch) => operations.pause(batch, true))
  }

  async resume(): Promise<void> {
    await this.#ask((batch) => operations.pause(batch, false))
  }

  /** The target, any JSON, is to be told of the job's end. */
  async queue(id: number | string, target: unknown): Promise<void> {
    const number = idOf(id)
    const plain = jsonOf('a target', target)
    const isFinal = await this.#ask((batch, ask: Ask<boolean>) => targetOperations.queue(batch, number, plain, ask))
    if (isFinal) await this.#notifying.respond(number)
  }

  /**
   * Has `respond` tell the targets of a finished job now, those too that are not to be tried again yet; resolves when it
   * has. Without `respond`, or before the job's end, it does nothing.
   *
   * @throws JobslotError `ERR_JOBSLOT_NO_JOB`
   */
  async flush(id: number | string): Promise<void> {
    const number = idOf(id)
    await this.#fresh()
    if (this.#engine.state.table.find(number) < 0) throw noJob(number)
    await this.#notifying.respond(number)
  }

  /** One of the job's targets that equal this one need no longer be told. */
  unqueue(id: number | string, target: unknown): Promise<void> {
    return this.unqueueAll(id, [target])
  }

  async unqueueAll(id: number | string, targets: readonly unknown[]): Promise<void> {
    const number = idOf(id)
    const plain = jsonsOf(targets)
    await this.#ask((batch) => targetOperations.unqueue(batch, number, plain))
  }

  /** Claims the next job whose targets are to be told; undefined where there is none, unless it is to wait for one. */
  pullNotification(options: PullOptions & { wait: true }): Promise<Notification>
  pullNotification(options?: PullOptions): Promise<Notification | undefined>
  pullNotification(options?: PullOptions): Promise<Notification | undefined> {
    return this.#notifying.pull(options)
  }

  /**
   * The job when it has finished, however it did.
   *
   * @throws JobslotError `ERR_JOBSLOT_TIMEOUT`, or `ERR_JOBSLOT_NO_JOB` where there is none, or no longer
   */
  async wait(id: number | string, options: WaitOptions = {}): Promise<Job & { value: Buffer | null }> {
    const number = idOf(id)
    await this.#fresh()
    if (this.#reading.isFinal(number) === false) await this.#attention.ended(number, options)
    const job = await this.get(number)
    if (!job) throw noJob(number)
    return job
  }

  /** How many jobs there are in each state, and more. */
  async stats(): Promise<Stats> {
    await this.#fresh()
    return this.#reading.stats()
  }

  /** For who runs jobs, and takes one only when it can: what there is to do, as far as it was read. @internal */
  get outlook(): Outlook {
    return this.#reading.outlook()
  }

  /** Calls back whenever the outlook may be another, until it is disposed of. Keeps the process alive. @internal */
  onOutlook(listener: () => void): Disposable {
    return this.#attention.listen(listener)
  }

  /**
   * What happens from this call on, or behind a position, in order: one event for each line of the journal that is on disk,
   * whoever wrote it. The iteration ends when the store is closed, and waits, without CPU, until then.
   *
   * @throws JobslotError `ERR_JOBSLOT_STORE_GAP` (by the iteration) where a compaction has taken what comes behind the
   * position, or the store has not come so far
   */
  events({ from, signal }: EventOptions = {}): AsyncGenerator<StoreEvent, void> {
    const position = from === undefined ? undefined : positionOf(from)
    if (position === undefined) this.#attention.look()
    const { n, segment, end } = this.#engine.loaded.journal
    return this.#events(position ?? { position: n, segment, offset: end }, signal)
  }

  /** Reads the whole store anew, and tells what is damaged. */
  verify({ signal }: { signal?: AbortSignal } = {}): Promise<Report> {
    return verify(this.#parts.disk, this.#parts.lines, signal)
  }

  /** Makes the store as small as what it holds; false where another process is at it. A store does this by itself too. */
  async compact(): Promise<boolean> {
    await this.#fresh()
    return this.#housekeeping.compact()
  }

  /** What is claimed here is given back. What is asked for is answered first; what waits is rejected. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #fieldsOf(options: JobOptions): Options {
    for (const _ in options) return optionsOf(options, this.#engine.now())
    return NO_OPTIONS
  }

  #create(fields: Options, text: string): Promise<Created> {
    return this.#ask((batch, ask) => operations.create(batch, fields, text, ask))
  }

  async *#events(from: number | Beginning, signal: AbortSignal | undefined): AsyncGenerator<StoreEvent, void> {
    await this.#fresh()
    const { disk, lines } = this.#parts
    yield* new EventReader({ disk, lines, engine: this.#engine, attention: this.#attention }, from).read(signal)
  }

  async #close(): Promise<void> {
    this.#attention.close(storeClosed(this.dir))
    await this.#housekeeping.close()
    const claims = [...this.#context.claims.values()]
    await Promise.all(claims.map((claim) => claim[Symbol.asyncDispose]().catch(() => {})))
    this.#attention.stop()
    await this.#engine.close()
    this.#parts.lives.leave()
    this.#parts.onclose?.()
    this.#engine.loaded.files.keep(new Set())
    this.#parts.disk.close()
  }

  #ask<T = void>(decide: (batch: Batch, ask: Ask<T>) => boolean): Promise<T> {
    const ask = new Ask(decide)
    this.#engine.submit(ask)
    return ask.promise
  }

  async #fulfill(id: number, job: PulledJob | undefined, value: ValueInput): Promise<void> {
    const bytes = bytesOf(value)
    const stored = inlineValue(bytes) ?? (await fileValue(this.#parts.disk, id, job?.claim, bytes))
    await this.#ask((batch) => operations.fulfill(this.#context, batch, id, job, stored))
    await this.#notifying.respond(id)
  }

  async #fail(id: number, job: PulledJob | undefined, error: unknown, retry: boolean | undefined): Promise<void> {
    const told = jobErrorOf(error)
    await this.#ask((batch) => operations.fail(this.#context, batch, id, job, told, retry))
    await this.#notifying.respond(id)
  }

  /** All that others have appended is read. */
  async #fresh(): Promise<void> {
    if (this.#closing) throw storeClosed(this.dir)
    if (!this.#engine.catchUp()) await this.#ask(() => true)
  }
}
