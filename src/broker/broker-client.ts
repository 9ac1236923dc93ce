import { join } from 'node:path'
import { JobslotError } from '../errors.ts'
import type { GovernorLimits } from '../governor/governor.ts'
import type { Audit, Joined, JoinRequest, MemberCommand, PoolHost, PoolStatus } from '../pool/host.ts'
import { connectShared } from '../worker/shared/connect-worker.ts'
import type { SharedWorker } from '../worker/shared/hold.ts'
import { type Hello, PROTOCOL, shortLabel, type Welcome } from './messages.ts'
import { type PoolPlace, placeOfPool } from './place.ts'

export interface BrokerOptions {
  /** How many slots the pool gets if nobody has said yet. */
  slots?: number | undefined
  /** Ends the wait for the broker; not what comes after. */
  signal?: AbortSignal | undefined
  /** What its user should know, and can do nothing about in the program. */
  onWarning?: ((warning: JobslotError) => void) | undefined
}

/** A small young generation, and no threads beside: each plan makes garbage, and there are hundreds in a second. */
const FRUGAL = ['--max-semi-space-size=1', '--single-threaded-gc']
const MODULE = join(import.meta.dirname, '../../dist/broker/broker.cjs')
/** What waits for a slot waits for ever; a call must have some time. */
const FOREVER_MS = 0x7fffffff
/** What has ended is told of within this time. */
const GONE_MS = 1000
const FIRST_PAUSE_MS = 200
const LONGEST_PAUSE_MS = 5000
/** A broker that ends as soon as it is asked may end by what it is asked: this often one after the other, then no more. */
const MOST_SHORT_LIVES = 20
const SHORT_LIFE_MS = 50

/**
 * A named pool as its members see it: a host over the socket of its broker, which it starts where there is none. When
 * the broker dies, it is there again before anybody misses it: the members are told anew, and so is what was being asked.
 */
export class BrokerClient implements PoolHost {
  readonly name: string
  readonly #place: PoolPlace
  readonly #options: BrokerOptions
  /** Its members. */
  readonly #held = new Set<number>()
  /** Those of which a new broker knows nothing: the broker before has seen them leave, or the new one has seen their end. */
  readonly #gone = new Set<number>()
  /** Those that have ever waited for a token: a new broker cannot know whether they do now. */
  readonly #hungry = new Set<number>()
  readonly #ended = new AbortController()
  #worker: SharedWorker | null = null
  #connecting: Promise<SharedWorker> | null = null
  #lastKey = 0
  #pause = FIRST_PAUSE_MS
  #welcome: Welcome | null = null

  private constructor(place: PoolPlace, options: BrokerOptions) {
    this.name = place.name
    this.#place = place
    this.#options = options
  }

  /**
   * Starts a broker where none runs.
   *
   * @throws JobslotError `ERR_JOBSLOT_STATE_DIR`, `ERR_JOBSLOT_POOL_VERSION`, `ERR_JOBSLOT_POOL_NAMESPACE`, …
   */
  static async connect(pool: string | PoolPlace, options: BrokerOptions = {}): Promise<BrokerClient> {
    const client = new BrokerClient(typeof pool === 'object' ? pool : placeOfPool(pool), options)
    await client.#connected(options.signal)
    return client
  }

  /** The folder in which its FIFOs and its account lie while it has members. */
  get dir(): string {
    return this.#place.dir
  }

  /** The broker's process; null while it has none. */
  get brokerPid(): number | null {
    return this.#worker?.pid ?? null
  }

  async join(request: JoinRequest, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<Joined> {
    const { pid: _, startTime: __, label, ...rest } = request
    const key = ++this.#lastKey
    const message = { ...rest, key, label: label === null ? null : shortLabel(label) }
    try {
      const joined = await this.#ask<Joined>('join', message, signal)
      this.#held.add(joined.id)
      return joined
    } catch (error) {
      // It may have been let in at the same moment.
      if (signal?.aborted) this.#tell('withdraw', { key })
      throw error
    }
  }

  async started(id: number, command: MemberCommand): Promise<void> {
    await this.#ask('started', { id, command })
  }

  async leave(id: number, { signaled }: { signaled: boolean }): Promise<Audit> {
    try {
      return await this.#ask<Audit>('leave', { id, signaled })
    } catch (error) {
      if (this.#gone.has(id) && (error as JobslotError).code === 'ERR_JOBSLOT_NO_SLOT') return NOTHING
      throw error
    } finally {
      this.#held.delete(id)
      this.#gone.delete(id)
      this.#hungry.delete(id)
    }
  }

  async release(id: number): Promise<void> {
    await this.#ask('release', { id })
  }

  hungry(id: number): void {
    this.#hungry.add(id)
    this.#tell('hungry', { id })
  }

  async resize(slots: number): Promise<void> {
    await this.#ask('resize', { slots })
  }

  async govern(limits: GovernorLimits): Promise<void> {
    await this.#ask('govern', { limits })
  }

  status(): Promise<PoolStatus> {
    return this.#ask('status', {})
  }

  /** Members that have not left last as long as their commands. */
  async close(): Promise<Audit> {
    this.#ended.abort(new JobslotError('ERR_JOBSLOT_CLOSED', `pool ${this.name} was closed: open it anew`))
    await this.#worker?.close()
    return NOTHING
  }

  /** Ends by the answer, by the signal, by `close`, or when no broker can be had. */
  async #ask<T>(method: string, message: object, signal?: AbortSignal): Promise<T> {
    let shortLives = 0
    for (;;) {
      const worker = await this.#connected(signal)
      const from = Date.now()
      try {
        return await worker.call<T>(method, message, { signal, timeout: FOREVER_MS })
      } catch (error) {
        this.#ended.signal.throwIfAborted()
        const { code } = error as JobslotError
        shortLives = Date.now() - from < SHORT_LIFE_MS ? shortLives + 1 : 0
        if (!ENDS.includes(code) || shortLives === MOST_SHORT_LIVES || signal?.aborted) throw asOurs(error)
      }
    }
  }

  /** What is lost with a broker that dies may be lost. */
  #tell(method: string, message: object): void {
    try {
      this.#worker?.notify(method, message)
    } catch {
      // It is gone.
    }
  }

  /** One connection for all who wait for it: one who gives up does not end it for the others. */
  async #connected(signal?: AbortSignal): Promise<SharedWorker> {
    this.#ended.signal.throwIfAborted()
    signal?.throwIfAborted()
    if (this.#worker) return this.#worker
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null
    })
    return signal ? orAborted(this.#connecting, signal) : this.#connecting
  }

  async #connect(): Promise<SharedWorker> {
    const { name, mark, worker: workerName } = this.#place
    const args = [mark, JSON.stringify(name)]
    const options = { module: MODULE, args, execArgv: FRUGAL, log: false, signal: this.#ended.signal }
    for (let shortLives = 1; ; shortLives++) {
      const worker = await connectShared(workerName, options)
      try {
        await this.#introduce(worker)
        this.#worker = worker
        this.#pause = FIRST_PAUSE_MS
        void worker.exited.then(() => this.#lost())
        return worker
      } catch (error) {
        await worker.close()
        if (!ENDS.includes((error as JobslotError).code) || shortLives === MOST_SHORT_LIVES) throw asOurs(error)
      }
    }
  }

  /** Who this is, and what it has. All is sent at once, and answered in order. */
  async #introduce(worker: SharedWorker): Promise<void> {
    const hello: Hello = { protocol: PROTOCOL, pid: process.pid, slots: this.#options.slots ?? null }
    const held = [...this.#held]
    const [welcome, ...found] = await Promise.all([
      worker.call<Welcome>('hello', hello),
      ...held.map((id) => worker.call<Joined | null>('rejoin', { id })),
    ])
    if (welcome.warning !== null && !this.#welcome) this.#warn(welcome.warning)
    this.#welcome = welcome
    for (const [i, id] of held.entries()) {
      if (!found[i]) this.#forgotten(id)
      else if (this.#hungry.has(id)) worker.notify('hungry', { id })
    }
  }

  /** Its command has just ended; or else its command runs and is counted nowhere. */
  #forgotten(id: number): void {
    this.#held.delete(id)
    this.#gone.add(id)
    setTimeout(() => {
      if (!this.#gone.has(id)) return
      this.#warn(`pool ${this.name} knows nothing of slot ${id} any more: its account was removed or damaged`)
    }, GONE_MS).unref()
  }

  #warn(message: string): void {
    this.#options.onWarning?.(new JobslotError('ERR_JOBSLOT_POOL_WARNING', message))
  }

  /** Whoever has members comes back at once; who has none when there is something to ask. */
  #lost(): void {
    this.#worker = null
    if (this.#held.size > 0 && !this.#ended.signal.aborted) this.#comeBack()
  }

  #comeBack(): void {
    this.#connected().catch(() => {
      if (this.#ended.signal.aborted) return
      // Not for ever on end: what is wrong may be a full disk.
      setTimeout(() => this.#comeBack(), this.#pause).unref()
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS)
    })
  }
}

const NOTHING: Audit = { missing: 0, extra: 0 }
/** The broker has ended, or this user's connection to it. */
const ENDS: readonly string[] = ['ERR_JOBSLOT_WORKER_EXITED', 'ERR_JOBSLOT_CLOSED', 'ERR_JOBSLOT_TIMEOUT']

/** What came over the socket is no JobslotError of this program's. */
function asOurs(error: unknown): unknown {
  const { code, message } = error as JobslotError
  if (error instanceof JobslotError || !String(code).startsWith('ERR_JOBSLOT_')) return error
  return new JobslotError(code, message, { cause: error })
}

async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
  })
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', onAbort))
}
