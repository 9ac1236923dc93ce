import { Ask } from './ask.ts'
import { Attention } from './attention.ts'
import type { Batch } from './batch.ts'
import type { Context } from './context.ts'
import type { Disk, Lines } from './disk.ts'
import { Engine } from './engine.ts'
import { noJob, storeClosed } from './errors.ts'
import { type EventOptions, EventReader, type StoreEvent } from './events.ts'
import { valueName } from './format.ts'
import { Housekeeping } from './housekeeping.ts'
import type { JobError, Value } from './line.ts'
import type { Lives } from './lives.ts'
import type { Loaded } from './load.ts'
import type { Notification } from './notification.ts'
import type { Created } from './operations.ts'
import * as operations from './operations.ts'
import { createText, idOf, type JobOptions, NO_OPTIONS, optionsOf, requestText } from './options.ts'
import { type JobEnds, jobErrorOf, type PulledJob } from './pulled-job.ts'
import { FULFILLED, isFinished, isThere } from './table.ts'
import * as targetOperations from './target-operations.ts'
import { bytesOf, inlineValue, LONGEST_INLINE, makeValueFile, readValue, type ValueInput } from './value.ts'
import { type Report, verify } from './verify.ts'
import { endLineOf, type Job, type JobState, stateOf, viewOf } from './view.ts'
import type { Watch } from './watch.ts'

export interface WaitOptions {
  /** Ms. */
  timeout?: number
  signal?: AbortSignal
}

export interface PullOptions {
  /** Wait until there is one. */
  wait?: boolean
  signal?: AbortSignal
}

/** A store's parts: the real ones, or a test's. */
export interface Parts {
  disk: Disk
  lines: Lines
  lives: Lives
  watch: (onEvent: (closed: boolean) => void) => Watch
  loaded: Loaded
  synced: boolean
  leaseMs: number
  /** Ms that a finished job is kept which says nothing about it. */
  retention: number
  now: () => number
  respond?: Respond | undefined
  onrespondfailure?: ((error: unknown, notification: Notification) => void) | undefined
  onclose?: () => void
}

/** Tells targets at once; answers with those that were told, all where it answers with nothing. */
export type Respond = (
  notification: Notification,
) => readonly unknown[] | undefined | Promise<readonly unknown[] | undefined>

export interface ListOptions {
  /** Only those in one of these states. */
  state?: JobState | readonly JobState[]
  /** Those behind this id: the `cursor` of the answer before. */
  after?: number | null
  /** At most so many; 100 where it is not given. */
  limit?: number
}

/** Jobs in a folder, shared with other processes. */
export class JobStore {
  readonly #parts: Parts
  readonly #engine: Engine
  readonly #context: Context
  readonly #attention: Attention
  readonly #housekeeping: Housekeeping
  readonly #ends: JobEnds = {
    fulfill: (job, value) => this.#fulfill(job.id, job, value),
    fail: (job, error, retry) => this.#fail(job.id, job, error, retry),
    release: (job, delay) => this.#ask((batch) => operations.release(batch, job, delay)),
    progress: (job, value) => this.#ask((batch) => operations.progress(batch, job, asJson(value))),
  }
  #closing: Promise<void> | undefined

  constructor(parts: Parts) {
    this.#parts = parts
    const { disk, lines, loaded, synced, now, lives } = parts
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
    this.#context = { disk, engine: this.#engine, lives, pid: process.pid, claims }
    this.#attention = new Attention(this.#context, parts.watch, parts.leaseMs)
    this.#housekeeping = new Housekeeping({ engine: this.#engine, disk, lines, lives, retention: parts.retention })
  }

  get dir(): string {
    return this.#parts.disk.dir
  }

  /** A new job. It is not claimed by this: `pullJob` is for that. */
  create(request: unknown, options: JobOptions = {}): Promise<Created> {
    let rest: string
    let fields: ReturnType<typeof optionsOf>
    try {
      fields = hasOptions(options) ? optionsOf(options, this.#engine.now()) : NO_OPTIONS
      rest = createText(request, fields)
    } catch (error) {
      return Promise.reject(error)
    }
    return this.#ask((batch, ask) => operations.create(batch, fields, rest, ask))
  }

  /** New jobs with the same options, with one write. */
  createMany(requests: readonly unknown[], options: JobOptions = {}): Promise<Created[]> {
    return Promise.all(requests.map((request) => this.create(request, options)))
  }

  /** A job, and the value of a fulfilled one; undefined where there is none of that id. */
  async get(id: number | string): Promise<(Job & { value: Buffer | null }) | undefined> {
    const number = idOf(id)
    await this.#fresh()
    const { state, loaded } = this.#engine
    const row = state.table.find(number)
    if (row < 0) return this.#rest(this.#engine.position, undefined)
    const view = viewOf(state, loaded.files, this.#engine, row, this.#engine.now())
    const isFulfilled = state.table.phase[row] === FULFILLED
    const value = isFulfilled ? readValue(this.#parts.disk, endLineOf(state, loaded.files, row)) : null
    return this.#rest(state.table.changed[row]!, { ...view, value })
  }

  /** Jobs by id. `cursor` is null behind the last. */
  async list({ state: wanted, after, limit = 100 }: ListOptions = {}): Promise<{ jobs: Job[]; cursor: number | null }> {
    await this.#fresh()
    const { state, loaded, position } = this.#engine
    const states = wanted === undefined ? undefined : [wanted].flat()
    const now = this.#engine.now()
    const jobs: Job[] = []
    const { table } = state
    let row = table.after(after ?? 0)
    for (; row < table.count && jobs.length < limit; row++) {
      if (!isThere(table.phase[row]!) || (states && !states.includes(stateOf(state, row, now)))) continue
      jobs.push(viewOf(state, loaded.files, this.#engine, row, now))
    }
    return this.#rest(position, { jobs, cursor: row < table.count ? (jobs.at(-1)?.id ?? null) : null })
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
    return this.#pull(
      (batch, ask: Ask<PulledJob | undefined>) => operations.pull(this.#context, this.#ends, batch, ask),
      'job',
      wait,
      signal,
    )
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

  /** It is not to run, or not to go on: the signal of who runs it is aborted. */
  async cancel(id: number | string, reason: unknown = 'it was cancelled'): Promise<void> {
    const number = idOf(id)
    const error = jobErrorOf(reason)
    await this.#ask((batch) => operations.cancel(batch, number, error))
    await this.#respond(number)
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
    const plain = asJson(target)
    const isFinal = await this.#ask((batch, ask: Ask<boolean>) => targetOperations.queue(batch, number, plain, ask))
    if (isFinal) await this.#respond(number)
  }

  /** One of the job's targets that equal this one need no longer be told. */
  unqueue(id: number | string, target: unknown): Promise<void> {
    return this.unqueueAll(id, [target])
  }

  async unqueueAll(id: number | string, targets: readonly unknown[]): Promise<void> {
    const number = idOf(id)
    const plain = asJson(targets) as unknown[]
    await this.#ask((batch) => targetOperations.unqueue(batch, number, plain))
  }

  /** Claims the next job whose targets are to be told; undefined where there is none, unless it is to wait for one. */
  pullNotification(options: PullOptions & { wait: true }): Promise<Notification>
  pullNotification(options?: PullOptions): Promise<Notification | undefined>
  pullNotification({ wait = false, signal }: PullOptions = {}): Promise<Notification | undefined> {
    if (!wait) this.#attention.lookAtLives()
    return this.#pull(
      (batch, ask: Ask<Notification | undefined>) => this.#pullNotification(batch, undefined, ask),
      'notification',
      wait,
      signal,
    )
  }

  /**
   * The job when it has finished, however it did.
   *
   * @throws JobslotError `ERR_JOBSLOT_TIMEOUT`, or `ERR_JOBSLOT_NO_JOB` where there is none, or no longer
   */
  async wait(id: number | string, options: WaitOptions = {}): Promise<Job & { value: Buffer | null }> {
    const number = idOf(id)
    await this.#fresh()
    const { table } = this.#engine.state
    const row = table.find(number)
    if (row < 0) {
      await this.#rest(this.#engine.position, undefined)
      throw noJob(number)
    }
    if (!isFinished(table.phase[row]!)) await this.#attention.ended(number, options)
    const job = await this.get(number)
    if (!job) throw noJob(number)
    return job
  }

  /** How many jobs there are in each state, and more. */
  async stats(): Promise<Stats> {
    await this.#fresh()
    const { state, loaded, position } = this.#engine
    const counts = { delayed: 0, pending: 0, active: 0, fulfilled: 0, failed: 0, cancelled: 0 }
    const now = this.#engine.now()
    for (let row = 0; row < state.table.count; row++) {
      if (isThere(state.table.phase[row]!)) counts[stateOf(state, row, now)]++
    }
    const { damage, missing, segment, end } = loaded.journal
    const found = { damage: [...damage], missing, impossible: state.impossible }
    const stats = { ...counts, paused: state.paused, workers: state.holders.size, segment, bytes: end, ...found }
    return this.#rest(position, stats)
  }

  /**
   * What happens from now on, or behind a position, in order and without an end.
   *
   * @throws JobslotError `ERR_JOBSLOT_STORE_GAP` where a compaction has taken what comes behind the position
   */
  async *events({ from, signal }: EventOptions = {}): AsyncGenerator<StoreEvent, void> {
    await this.#fresh()
    const { disk, lines } = this.#parts
    yield* new EventReader({ disk, lines, engine: this.#engine, attention: this.#attention }, from).read(signal)
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

  #pull<T extends PulledJob | Notification>(
    decide: (batch: Batch, ask: Ask<T | undefined>) => boolean,
    what: 'job' | 'notification',
    wait: boolean,
    signal: AbortSignal | undefined,
  ): Promise<T | undefined> {
    return this.#attention.pull(decide, what, wait, signal)
  }

  #pullNotification(batch: Batch, id: number | undefined, ask: Ask<Notification | undefined>): boolean {
    const done = (notification: Notification, served: readonly unknown[]) =>
      this.#ask((batch) => targetOperations.notified(batch, notification, asJson(served) as unknown[]))
    return targetOperations.pullNotification(this.#context, done, batch, id, ask)
  }

  async #fulfill(id: number, job: PulledJob | undefined, value: ValueInput): Promise<void> {
    const bytes = bytesOf(value)
    const stored = bytes.length > LONGEST_INLINE ? await this.#longValue(id, job, bytes) : inlineValue(bytes)
    await this.#ask((batch) => operations.fulfill(this.#context, batch, id, job, stored))
    await this.#respond(id)
  }

  /** In a file whose name no other fulfilment of the job has. */
  #longValue(id: number, job: PulledJob | undefined, bytes: Buffer): Promise<Value> {
    const number = job?.claim ?? Math.floor(Math.random() * Number.MAX_SAFE_INTEGER)
    return makeValueFile(this.#parts.disk, valueName(id, number), bytes)
  }

  async #fail(id: number, job: PulledJob | undefined, error: unknown, retry: boolean | undefined): Promise<void> {
    const told: JobError = jobErrorOf(error)
    await this.#ask((batch) => operations.fail(this.#context, batch, id, job, told, retry))
    await this.#respond(id)
  }

  /** Tells the targets of a job that has just finished, where this store is to do so. */
  async #respond(id: number): Promise<void> {
    const { respond, onrespondfailure } = this.#parts
    if (!respond || !this.#engine.state.ringing.has(id)) return
    const pulled = await this.#attention.pull(
      (batch, ask: Ask<Notification | undefined>) => this.#pullNotification(batch, id, ask),
      'notification',
      false,
      undefined,
    )
    if (!pulled) return
    let served: readonly unknown[] = []
    try {
      served = (await respond(pulled)) ?? pulled.waiting
    } catch (error) {
      onrespondfailure?.(error, pulled)
    }
    await pulled.done(null, served)
  }

  /** All that others have appended is read. */
  async #fresh(): Promise<void> {
    if (this.#closing) throw storeClosed(this.dir)
    if (!this.#engine.catchUp()) await this.#ask(() => true)
  }

  /** The answer, when what it rests on is on disk. */
  async #rest<T>(position: number, answer: T): Promise<T> {
    await this.#engine.durability.reached(position)
    return answer
  }
}

export interface Stats extends Record<JobState, number> {
  paused: boolean
  /** That hold a claim. */
  workers: number
  segment: number
  /** Of the segment that is written to. */
  bytes: number
  damage: { file: string; offset: number; bytes: number }[]
  /** Lines that are lost. */
  missing: number
  /** Lines that make no sense, as one before them is lost. */
  impossible: number
}

function hasOptions(options: JobOptions): boolean {
  for (const _ in options) return true
  return false
}

/** As it will come back. */
function asJson(value: unknown): unknown {
  const json = JSON.stringify(value)
  if (json === undefined) throw new TypeError(`it must be JSON, and there is none for ${typeof value}`)
  return JSON.parse(json)
}
