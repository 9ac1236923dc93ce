import { jsonOf, jsonsOf, positionOf } from './calls/arguments.ts'
import type { ListOptions, Outlook, PullOptions, Stats, WaitOptions } from './calls/calls.ts'
import { createText, graceMs, idOf, type JobOptions, NO_OPTIONS, optionsOf, requestText } from './calls/options.ts'
import type { Job } from './calls/view.ts'
import type { Notification } from './claims/notification.ts'
import type { PulledJob } from './claims/pulled-job.ts'
import { Core } from './core.ts'
import type { Ask } from './engine/ask.ts'
import type { Batch } from './engine/batch.ts'
import type { Created } from './engine/operations.ts'
import * as operations from './engine/operations.ts'
import * as targetOperations from './engine/target-operations.ts'
import { noJob } from './errors.ts'
import { type Beginning, type EventOptions, EventReader, endedByReturn, type StoreEvent } from './events.ts'
import type { Options } from './format/line.ts'
import type { ValueInput } from './journal/value.ts'
import { type Report, verify } from './journal/verify.ts'
import type { Parts } from './parts.ts'

/**
 * Jobs in a folder, shared with other processes. An id may be a number or the same as a string. With the durability
 * `disk`, no promise resolves before all that its answer rests on is on disk.
 *
 * Any call may reject with `ERR_JOBSLOT_STORE_IO` (no room, no right, a failing disk), `ERR_JOBSLOT_STORE_BUSY` (a process
 * was stopped in the midst of an append) and `ERR_JOBSLOT_CLOSED`, and with a TypeError of wrong arguments.
 */
export class JobStore {
  readonly #core: Core

  constructor(parts: Parts) {
    this.#core = new Core(parts)
  }

  /** The store's folder, as an absolute path. */
  get dir(): string {
    return this.#core.dir
  }

  /**
   * A new job. It is not claimed by this: `pullJob` is for that.
   *
   * @param request any JSON, of at most 16 MiB
   * @returns its id and version; `existing` where an unfinished job has the same key, and is the one
   * @throws JobslotError `ERR_JOBSLOT_TOO_LONG`; `ERR_JOBSLOT_NO_JOB` where one that it is to come `after` is not there
   */
  create(request: unknown, options: JobOptions = {}): Promise<Created> {
    try {
      const fields = this.#fieldsOf(options)
      return this.#create(fields, createText(request, fields))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** New jobs with the same options, in this order, with one write for each 4096; else as `create`. */
  async createMany(requests: readonly unknown[], options: JobOptions = {}): Promise<Created[]> {
    if (!Array.isArray(requests)) throw new TypeError('createMany takes an array of requests')
    const fields = this.#fieldsOf(options)
    // One that is no request is told before there is a job for another.
    const texts = requests.map((request) => createText(request, fields))
    return Promise.all(texts.map((text) => this.#create(fields, text)))
  }

  /**
   * A job, and the value of a fulfilled one (else null); undefined where there is none of that id.
   *
   * @throws JobslotError `ERR_JOBSLOT_STORE_IO` where its value's file is missing or damaged
   */
  async get(id: number | string): Promise<(Job & { value: Buffer | null }) | undefined> {
    const number = idOf(id)
    await this.#core.fresh()
    return this.#core.reading.get(number)
  }

  /** Jobs by id, a page at a time: `cursor`, given as `after`, gets the next page. It is null behind the last. */
  async list(options: ListOptions = {}): Promise<{ jobs: Job[]; cursor: number | null }> {
    await this.#core.fresh()
    return this.#core.reading.list(options)
  }

  /**
   * Another request for a job that has not finished, if its version is this; the new version. A run that has begun has the
   * old one.
   *
   * @throws JobslotError `ERR_JOBSLOT_CONFLICT` where it has another; `ERR_JOBSLOT_NO_JOB`, `ERR_JOBSLOT_JOB_STATE`
   */
  async update(id: number | string, version: number, request: unknown): Promise<number> {
    const number = idOf(id)
    const json = requestText(request)
    await this.#core.housekeeping.room
    return this.#core.ask((batch, ask) => operations.update(this.#core.context, batch, number, version, json, ask))
  }

  /**
   * Claims the next job: the one of the highest priority that may run now, then the oldest. Undefined where there is none,
   * unless it is to wait for one. What it claims has to be ended: by `fulfill`, `fail` or `release`.
   */
  pullJob(options: PullOptions & { wait: true }): Promise<PulledJob>
  pullJob(options?: PullOptions): Promise<PulledJob | undefined>
  pullJob({ wait = false, signal }: PullOptions = {}): Promise<PulledJob | undefined> {
    if (!wait) this.#core.attention.lookAtLives()
    const decide = (batch: Batch, ask: Ask<PulledJob | undefined>) =>
      operations.pull(this.#core.context, this.#core.ends, batch, ask)
    return this.#core.attention.pull(decide, 'job', wait, signal)
  }

  /** The same as `pullJob`, as fs-job-store called it too. */
  pullWork(options: PullOptions & { wait: true }): Promise<PulledJob>
  pullWork(options?: PullOptions): Promise<PulledJob | undefined>
  pullWork(options?: PullOptions): Promise<PulledJob | undefined> {
    return this.pullJob(options)
  }

  /**
   * Done, whoever runs it: any job that is not finished. No fencing number is asked for; who has claimed it loses it.
   *
   * @throws JobslotError `ERR_JOBSLOT_NO_JOB`, `ERR_JOBSLOT_JOB_STATE`
   */
  async fulfill(id: number | string, value?: ValueInput): Promise<void> {
    await this.#core.ends.fulfillJob(idOf(id), undefined, value)
  }

  /**
   * Failed, whoever runs it. It is tried again while it has attempts left, or as `retry` says.
   *
   * @throws JobslotError `ERR_JOBSLOT_NO_JOB`, `ERR_JOBSLOT_JOB_STATE`
   */
  async fail(id: number | string, error: unknown, options: { retry?: boolean | undefined } = {}): Promise<void> {
    await this.#core.ends.failJob(idOf(id), undefined, error, options.retry)
  }

  /**
   * It is not to run, or not to go on: the signal of who runs it is aborted, within 200 ms in another process. `grace`
   * stands in its `error`: how many ms that one is to give it to end by itself.
   *
   * @throws JobslotError `ERR_JOBSLOT_NO_JOB`, `ERR_JOBSLOT_JOB_STATE`
   */
  async cancel(
    id: number | string,
    reason: unknown = 'it was cancelled',
    options: { grace?: number | undefined } = {},
  ): Promise<void> {
    await this.#core.ends.cancelJob(idOf(id), reason, graceMs(options.grace))
  }

  /**
   * A failed or cancelled job is pending again, as if it had never failed.
   *
   * @throws JobslotError `ERR_JOBSLOT_NO_JOB`; `ERR_JOBSLOT_JOB_STATE` also where another job has its key by now
   */
  async retry(id: number | string): Promise<void> {
    const number = idOf(id)
    await this.#core.ask((batch) => operations.retry(batch, number))
  }

  /**
   * Forgets a job, whatever its state: a claim on it is lost, its targets are not told, and what comes after it is cancelled.
   *
   * @throws JobslotError `ERR_JOBSLOT_NO_JOB`
   */
  async remove(id: number | string): Promise<void> {
    const number = idOf(id)
    await this.#core.ask((batch) => operations.remove(batch, number))
  }

  /** No job is claimed until `resume`, by anybody; those that run go on. */
  async pause(): Promise<void> {
    await this.#core.ask((batch) => operations.pause(batch, true))
  }

  /** Ends a `pause`: jobs are claimed again. */
  async resume(): Promise<void> {
    await this.#core.ask((batch) => operations.pause(batch, false))
  }

  /**
   * The target, any JSON, is to be told of the job's end, which may have come already. Duplicates are kept. Where the job
   * has finished and this store has `respond`, that has been called when this resolves.
   *
   * @throws JobslotError `ERR_JOBSLOT_NO_JOB`, `ERR_JOBSLOT_TOO_LONG`
   */
  async queue(id: number | string, target: unknown): Promise<void> {
    const number = idOf(id)
    const plain = jsonOf('a target', target)
    const isFinal = await this.#core.ask((batch, ask: Ask<boolean>) =>
      targetOperations.queue(batch, number, plain, ask),
    )
    if (isFinal) await this.#core.notifying.respond(number)
  }

  /**
   * Has `respond` tell the targets of a finished job now, those too that are not to be tried again yet; resolves when it
   * has. Without `respond`, or before the job's end, it does nothing.
   *
   * @throws JobslotError `ERR_JOBSLOT_NO_JOB`
   */
  async flush(id: number | string): Promise<void> {
    const number = idOf(id)
    await this.#core.fresh()
    if (this.#core.engine.state.table.find(number) < 0) throw noJob(number)
    await this.#core.notifying.respond(number)
  }

  /** One of the job's targets that deeply equal this one need no longer be told. Where none does, nothing happens. */
  unqueue(id: number | string, target: unknown): Promise<void> {
    return this.unqueueAll(id, [target])
  }

  /** As `unqueue`, one for each of these. @throws JobslotError `ERR_JOBSLOT_NO_JOB` */
  async unqueueAll(id: number | string, targets: readonly unknown[]): Promise<void> {
    const number = idOf(id)
    const plain = jsonsOf(targets)
    await this.#core.ask((batch) => targetOperations.unqueue(batch, number, plain))
  }

  /**
   * Claims the targets of a finished job, if there are any to be told now; undefined where there are none, unless it is to
   * wait for some. What it claims has to be ended: by `done`.
   */
  pullNotification(options: PullOptions & { wait: true }): Promise<Notification>
  pullNotification(options?: PullOptions): Promise<Notification | undefined>
  pullNotification(options?: PullOptions): Promise<Notification | undefined> {
    return this.#core.notifying.pull(options)
  }

  /**
   * The job when it has finished, however it did: it is `fulfilled`, `failed` or `cancelled`. The wait ends by that, the
   * job's removal, the timeout, the signal, or `close`.
   *
   * @throws JobslotError `ERR_JOBSLOT_TIMEOUT`; `ERR_JOBSLOT_NO_JOB` where there is none, or no longer; the signal's reason
   */
  async wait(id: number | string, options: WaitOptions = {}): Promise<Job & { value: Buffer | null }> {
    const number = idOf(id)
    if (typeof options !== 'object') throw new TypeError('wait takes options: { timeout, signal }')
    await this.#core.fresh()
    if (this.#core.reading.isFinal(number) === false) await this.#core.attention.ended(number, options)
    const job = await this.get(number)
    if (!job) throw noJob(number)
    return job
  }

  /** How many jobs there are in each state, and more. Takes time for each job that there is. */
  async stats(): Promise<Stats> {
    await this.#core.fresh()
    return this.#core.reading.stats()
  }

  /** For who runs jobs, and takes one only when it can: what there is to do, as far as it was read. @internal */
  get outlook(): Outlook {
    return this.#core.reading.outlook()
  }

  /** Calls back whenever the outlook may be another, until it is disposed of. Keeps the process alive. @internal */
  onOutlook(listener: () => void): Disposable {
    return this.#core.attention.listen(listener)
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
    if (position === undefined) this.#core.attention.look()
    const { n, segment, end } = this.#core.engine.loaded.journal
    const begin = position ?? { position: n, segment, offset: end }
    return endedByReturn((ended) => this.#events(begin, signal, ended))
  }

  /** Reads the whole store anew, beside those who use it, and tells what is damaged. Ends at its end, or by the signal. */
  async verify(options: { signal?: AbortSignal | undefined } = {}): Promise<Report> {
    this.#core.requireOpen()
    return verify(this.#core.parts.disk, this.#core.parts.lines, options.signal)
  }

  /** Makes the store as small as what it holds; false where another process is at it. A store does this by itself too. */
  async compact(): Promise<boolean> {
    await this.#core.fresh()
    return this.#core.housekeeping.compact()
  }

  /**
   * What is claimed here is given back. What is asked for is answered first; what waits is rejected (`ERR_JOBSLOT_CLOSED`).
   * Again: the same.
   */
  close(): Promise<void> {
    return this.#core.close()
  }

  /** The same as `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #fieldsOf(options: JobOptions): Options {
    for (const _ in options) return optionsOf(options, this.#core.engine.now())
    return NO_OPTIONS
  }

  #create(fields: Options, text: string): Promise<Created> {
    const { room } = this.#core.housekeeping
    if (room) return room.then(() => this.#create(fields, text))
    return this.#core.ask((batch, ask) => operations.create(batch, fields, text, ask))
  }

  async *#events(
    from: number | Beginning,
    signal: AbortSignal | undefined,
    ended: AbortSignal,
  ): AsyncGenerator<StoreEvent, void> {
    await this.#core.fresh()
    const { engine, attention, parts } = this.#core
    yield* new EventReader({ disk: parts.disk, lines: parts.lines, engine, attention }, from).read(signal, ended)
  }
}
