/**
 * `jobslot/compat/fs-job-store`: for programs that were written for fs-job-store 1.2. `require` and `import` answer with the
 * class itself.
 *
 * @module jobslot/compat/fs-job-store
 */

// CommonJS, so that `require` answers with the class itself, as it did of the old package. What it stands on is ESM, and
// is loaded when something is asked for.
import type { JobStore as Store } from '../store.ts'

/** Called once, with an error, or with null and the result. */
type Callback<T = void> = (error: Error | null, result?: T) => void

/** What `onresponsefailure` is called with. */
interface ResponseFailure {
  /** Of the job. */
  id: string
  /** What `respond` called back with, or threw: one for each target that was not told. */
  errors: unknown[]
}

/** What a target is told. */
interface Answer {
  /** Of the job. */
  id: string
  /** What the job was fulfilled with; undefined where it was cancelled or has failed, by other means than this module's. */
  value: Buffer | undefined
}

/** What `new JobStore` takes. */
interface Options {
  /** The folder, made where it does not exist; its parent must. */
  dir: string
  /** Tells one target: `done(null)` takes it off, `done(error)` leaves it. */
  respond?: (target: unknown, answer: Answer, done: (error?: unknown) => void) => void
  /** Accepted, and not used: the journal needs locks, syncs and watches that no stand-in for `fs` has. */
  fs?: unknown
}

/** A job that this process has claimed. */
interface Job {
  /** Its number, as text. */
  id: string
  /** Of the request, from 0 on: for `update`. */
  version: number
  /** As `create` or the last `update` was given it. */
  request: unknown
  /** The request, as the README's example has it. */
  value: unknown
  /** Called when the claim is lost: then stop the work. */
  oncompromised: (() => void) | null
  /** Gives up the claim: after the end of the work, and whether or not it is fulfilled. */
  release(callback?: Callback): void
}

/** The right to tell the targets of a finished job. */
interface Notification {
  /** Of the job. */
  id: string
  /** The targets, as `queue` was given them. */
  waiting: unknown[]
  /** What the job was fulfilled with; undefined where it was cancelled or has failed, by other means than this module's. */
  value: Buffer | undefined
  /** Called when the claim is lost: then tell nobody any more. */
  oncompromised: (() => void) | null
  /** Gives up the claim, and takes these targets off. The first argument is ignored. */
  done(error: unknown, targets?: readonly unknown[], callback?: Callback): void
}

/** What a store needs of its user while it is open: not the user itself, or none would ever be collected. */
type Reactions = Pick<Options, 'respond'> & { onresponsefailure: ((failure: ResponseFailure) => void) | undefined }

/** Stores with calls that are not answered yet: nothing else may hold them. */
const busy = new Set<JobStore>()

/** There is no `close`: what nobody can use any more is closed. One that holds a claim is reached by that. */
const unused = new FinalizationRegistry<Store>((store) => void store.close().catch(() => {}))

/** The callback API of fs-job-store 1.2 on a store of `jobslot/store`: docs/store.md says what is different. */
class JobStore {
  readonly #dir: string
  readonly #reactions: Reactions
  #opened: Promise<Store> | undefined
  #calls = 0
  /** Claims on jobs, by id: whoever fulfils its own has not lost it. */
  readonly #held = new Map<string, { isFulfilling: boolean }>()

  constructor({ dir, respond }: Options) {
    this.#dir = dir
    this.#reactions = { respond, onresponsefailure: undefined } as Reactions
  }

  /** Called when `respond` could not tell all targets of a job; they stay. None, unless one is set. */
  get onresponsefailure(): ((failure: ResponseFailure) => void) | undefined {
    return this.#reactions.onresponsefailure
  }

  set onresponsefailure(callback: ((failure: ResponseFailure) => void) | undefined) {
    this.#reactions.onresponsefailure = callback
  }

  /** A new job, on disk when that is called back. It is not claimed by this: `pullJob` is for that. */
  create(request: unknown, callback?: Callback<{ id: string }>): void {
    this.#call(callback, async (store) => {
      const { id } = await store.create(request ?? null)
      return { id: String(id) }
    })
  }

  /** The target, any JSON, is to be told of the job's value: at once, by `respond`, where the job has one. */
  queue(id: string, target: unknown, callback?: Callback): void {
    this.#call(callback, (store) => store.queue(id, target))
  }

  /** One of the job's targets that equal this one need no longer be told. */
  unqueue(id: string, target: unknown, callback?: Callback): void {
    this.#call(callback, (store) => store.unqueue(id, target))
  }

  /** As `unqueue`, one for each of these. */
  unqueueAll(id: string, targets: readonly unknown[], callback?: Callback): void {
    this.#call(callback, (store) => store.unqueueAll(id, targets))
  }

  /** Done, whoever has the claim. `respond` has been called for all targets when that is called back. */
  fulfill(id: string, value: string | Uint8Array | number | boolean, callback?: Callback): void {
    this.#call(callback, async (store) => {
      const held = this.#held.get(String(id))
      if (held) held.isFulfilling = true
      try {
        await store.fulfill(id, typeof value === 'number' || typeof value === 'boolean' ? String(value) : value)
      } finally {
        if (held) held.isFulfilling = false
      }
    })
  }

  /** Another request for an unfinished job, if its version is this. */
  update(id: string, version: number, request: unknown, callback?: Callback): void {
    this.#call(callback, async (store) => {
      await store.update(id, version + 1, request ?? null)
    })
  }

  /** Has `respond` tell the targets of a fulfilled job. */
  flush(id: string, callback?: Callback): void {
    this.#call(callback, (store) => store.flush(id))
  }

  /** Claims a job; none: undefined is called back. */
  pullJob(callback: Callback<Job>): void {
    requireFunction(callback)
    this.#call(callback, async (store) => {
      const pulled = await store.pullJob()
      if (!pulled) return undefined
      const { request } = pulled
      const id = String(pulled.id)
      const held = { isFulfilling: false }
      this.#held.set(id, held)
      const letGo = () => {
        if (this.#held.get(id) === held) this.#held.delete(id)
      }
      const job: Job = {
        id,
        version: pulled.version - 1,
        request,
        value: request,
        oncompromised: null,
        release: (callback) => {
          letGo()
          this.#call(callback, () => pulled.release())
        },
      }
      pulled.oncompromised = () => {
        letGo()
        if (!held.isFulfilling) job.oncompromised?.()
      }
      return job
    })
  }

  /** The same as `pullJob`. */
  pullWork(callback: Callback<Job>): void {
    this.pullJob(callback)
  }

  /** Claims the targets of a finished job; none: undefined is called back. */
  pullNotification(callback: Callback<Notification>): void {
    requireFunction(callback)
    this.#call(callback, async (store) => {
      const pulled = await store.pullNotification()
      if (!pulled) return undefined
      const { waiting, value } = pulled
      const notification: Notification = {
        id: String(pulled.id),
        waiting,
        value,
        oncompromised: null,
        done: (error, targets, callback) => this.#call(callback, () => pulled.done(error, targets)),
      }
      pulled.oncompromised = () => notification.oncompromised?.()
      return notification
    })
  }

  #call<T>(callback: Callback<T> | undefined, work: (store: Store) => Promise<T | undefined>): void {
    if (this.#calls++ === 0) busy.add(this)
    this.#store()
      .then(work)
      .finally(() => {
        if (--this.#calls === 0) busy.delete(this)
      })
      .then(
        // By itself: what a callback throws is uncaught, as it is of any other.
        (result) => callback && process.nextTick(callback, null, result),
        (error) => callback && process.nextTick(callback, error),
      )
  }

  /** Opened by the first call; by the next one where that fails. */
  #store(): Promise<Store> {
    this.#opened ??= this.#open().catch((error) => {
      this.#opened = undefined
      throw error
    })
    return this.#opened
  }

  async #open(): Promise<Store> {
    const reactions = this.#reactions
    const { openStore } = await import('../store/open.ts')
    const store = await openStore({
      dir: this.#dir,
      // The old store forgot nothing.
      retention: Number.POSITIVE_INFINITY,
      ...(reactions.respond && { respond: (notification) => tellAll(reactions, notification) }),
    })
    unused.register(this, store)
    return store
  }
}

/** Tells each target by itself; answers with those that were told. */
async function tellAll(
  reactions: Reactions,
  { id, value, waiting }: { id: number; value: Buffer | undefined; waiting: readonly unknown[] },
): Promise<unknown[]> {
  const tell = (target: unknown) =>
    new Promise<unknown>((resolve) => {
      try {
        reactions.respond?.(target, { id: String(id), value }, resolve)
      } catch (error) {
        resolve(error ?? new Error('respond has thrown nothing'))
      }
    })
  const outcomes = await Promise.all(waiting.map(tell))
  const errors = outcomes.filter(Boolean)
  if (errors.length > 0) process.nextTick(() => reactions.onresponsefailure?.({ id: String(id), errors }))
  return waiting.filter((_, i) => !outcomes[i])
}

function requireFunction(callback: unknown): void {
  if (typeof callback !== 'function') throw new TypeError('the callback must be a function')
}

declare namespace JobStore {
  export type { Answer, Callback, Job, Notification, Options, ResponseFailure }
}

export = JobStore
