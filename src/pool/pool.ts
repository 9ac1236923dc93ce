import type { SpawnOptions } from 'node:child_process'
import { EventEmitter } from 'node:events'
import type { AcquireOptions } from '../client/client.ts'
import type { Limit } from '../client/limit.ts'
import type { Slot } from '../client/slot.ts'
import { JobslotError } from '../errors.ts'
import type { GovernorLimits } from '../governor/governor.ts'
import { checkLimits } from '../governor/limits.ts'
import { checkOptions } from '../options.ts'
import type { Audit, JoinRequest, PoolHost, PoolStatus } from './host.ts'
import type { Style } from './offer.ts'
import { joinAsProcess, type OwnSlots } from './own-slots.ts'
import { MOST_SLOTS } from './owner.ts'
import { checkCommand, type Member, spawnMember } from './spawned-member.ts'
import { thisProcess } from './this-process.ts'

/** What a member asks for beside its slot. */
export interface MemberOptions {
  /** The most slots it may have at once, from 1 on. Default all. */
  max?: number | undefined
  /** What `status` shows. Default the command, or nothing. */
  label?: string | undefined
  /** Who waits with a higher one is served first: a whole number. Default 0. */
  priority?: number | undefined
  /** Its part of what is shared, beside others' 1: a number above 0, at most a million. Default 1. */
  weight?: number | undefined
}

/** The options of `child_process.spawn`, and what the command asks of the pool. */
export interface PoolSpawnOptions extends MemberOptions, SpawnOptions {
  /**
   * Milliseconds to its first slot. Default: it waits for ever. Not, as in `child_process.spawn`, how long it may run.
   */
  timeout?: number | undefined
  /** Ends the wait for its slot; after that, as in `spawn`, the command (by `killSignal`). */
  signal?: AbortSignal | undefined
  /**
   * How the command is told of its jobserver: by a FIFO's path, which make 4.4 and newer know, or by two descriptors.
   * Default `auto`: as the make that the command would find understands it.
   */
  style?: Style | 'auto' | undefined
}

const MOST_WEIGHT = 1_000_000

/** @internal */
export type ClosableHost = PoolHost & { close(): Promise<Audit> }

/**
 * Slots with an owner who keeps an account of who has which. Made by `createPool` and `openPool`. An open pool keeps no
 * process alive; what waits for a slot does.
 *
 * The event `warning` has a JobslotError, `ERR_JOBSLOT_POOL_WARNING`: the pool has another size than was asked for, or its
 * account was removed.
 */
export class Pool extends EventEmitter<{ warning: [Error] }> {
  /** Null for a pool of this process alone. */
  readonly name: string | null
  readonly #host: ClosableHost
  readonly #own: OwnSlots
  readonly #label: string | null
  /** Commands that wait for a slot, or are being started. */
  readonly #starting = new Set<Promise<Member>>()
  readonly #closed = new AbortController()
  #closing: Promise<Audit> | null = null

  /** Takes the host over. `own` in place of being a member by itself. @internal */
  static async join(
    name: string | null,
    host: ClosableHost,
    options: MemberOptions,
    own: OwnSlots | null = null,
  ): Promise<Pool> {
    try {
      const asked = requested(options)
      return new Pool(
        name,
        host,
        own ?? (await joinAsProcess(host, asked, name === null ? null : process.env)),
        options.label ?? null,
      )
    } catch (error) {
      await host.close()
      throw error
    }
  }

  private constructor(name: string | null, host: ClosableHost, own: OwnSlots, label: string | null) {
    super()
    this.name = name
    this.#host = host
    this.#own = own
    this.#label = label
  }

  /**
   * Runs a command as a member: it waits for its slot, and draws more through the jobserver that it is told of.
   * `options` are those of `child_process.spawn`, and the member's. Resolves when it runs. The wait for its slot ends by
   * the slot, the timeout, the signal, or `close`.
   *
   * @param program looked for in PATH; no shell comes between, unless `options.shell` says so
   * @throws JobslotError `ERR_JOBSLOT_TIMEOUT`; `ERR_JOBSLOT_SPAWN` where it cannot be started; `ERR_JOBSLOT_CLOSED`,
   * `ERR_JOBSLOT_POOL_FULL`; the signal's reason; TypeError for options that are none
   */
  async spawn(program: string, args: readonly string[] = [], options: PoolSpawnOptions = {}): Promise<Member> {
    this.#throwIfClosed()
    const starting = this.#start(program, args, options)
    this.#starting.add(starting)
    try {
      return await starting
    } finally {
      this.#starting.delete(starting)
    }
  }

  async #start(program: string, args: readonly string[], options: PoolSpawnOptions): Promise<Member> {
    checkCommand(program, args)
    checkOptions('spawn', options, [...MEMBER_OPTIONS, 'style', ...SPAWN_OPTIONS])
    const {
      timeout = Number.POSITIVE_INFINITY,
      signal,
      max,
      label,
      priority,
      weight,
      style = 'auto',
      ...rest
    } = options
    checkStyle(style)
    const request = requested({ max, priority, weight, label: label ?? this.#label ?? program })
    const late = timeoutSignal(timeout, () => this.#timeoutError(timeout))
    const signals = [signal, late.signal, this.#closed.signal].filter((one) => one !== undefined)
    try {
      const joining = this.#host.join(
        { ...request, ...thisProcess(), ...{ kind: 'run', min: 1, max: 1, draws: true } },
        { signal: AbortSignal.any(signals) },
      )
      // Who is not in by the time of the next answer has to wait.
      if (timeout <= 0) this.#host.status().then(late.expire, late.expire)
      const joined = await joining
      return await spawnMember(this.#host, joined, [program, ...args], { ...rest, signal, style })
    } finally {
      late.clear()
    }
  }

  /**
   * Waits for a slot of this process's own, in order of arrival: until there is one, the timeout, the signal, or `close`.
   *
   * @throws JobslotError `ERR_JOBSLOT_TIMEOUT`, `ERR_JOBSLOT_CLOSED`; the signal's reason
   */
  async acquire(options?: AcquireOptions): Promise<Slot> {
    this.#throwIfClosed()
    return this.#own.client.acquire(options)
  }

  /**
   * A slot that lies ready in this process, or null; never waits. Others may have left slots free that have to be asked for
   * first: `acquire` does.
   *
   * @throws JobslotError `ERR_JOBSLOT_CLOSED`
   */
  tryAcquire(): Slot | null {
    this.#throwIfClosed()
    return this.#own.client.tryAcquire()
  }

  /**
   * Runs `fn` in a slot, which is released when what `fn` returns has settled. Resolves to that, or rejects with what `fn`
   * throws; else as `acquire`.
   */
  async run<T>(fn: (slot: Slot) => T | PromiseLike<T>, options?: AcquireOptions): Promise<T> {
    this.#throwIfClosed()
    return this.#own.client.run(fn, options)
  }

  /** A function in the manner of p-limit: `pool.limit(fn, ...args)` runs `fn(...args)` in a slot. Always the same one. */
  get limit(): Limit {
    return this.#own.client.limit
  }

  /** What this process and its members have, and all others'. @throws JobslotError `ERR_JOBSLOT_CLOSED` */
  async status(): Promise<PoolStatus> {
    this.#throwIfClosed()
    return this.#host.status()
  }

  /**
   * Gives the pool this many slots: at once and, of a named pool, for later. Fewer are so as jobs end; 0 lets nobody in any
   * more, and those inside go on.
   *
   * @throws JobslotError `ERR_JOBSLOT_CLOSED`; TypeError for what is no number of slots
   */
  async resize(slots: number): Promise<void> {
    this.#throwIfClosed()
    checkSlots(slots, 0)
    return this.#host.resize(slots)
  }

  /**
   * Lowers the capacity, though never below one, while the machine is overloaded. Replaces what was asked for before: `{}`
   * ends it.
   *
   * @throws JobslotError `ERR_JOBSLOT_CLOSED`; TypeError for limits that are none
   */
  async govern(limits: GovernorLimits): Promise<void> {
    this.#throwIfClosed()
    checkOptions('govern', limits, ['maxLoad', 'minMemory', 'maxPressure'])
    return this.#host.govern(checkLimits(limits))
  }

  /**
   * This process leaves it: its slots are released, what waits is rejected (`ERR_JOBSLOT_CLOSED`), and commands that run go
   * on. Of a pool of its own: `missing` slots are still out, `extra` were given back too often. Again: the same answer.
   */
  close(): Promise<Audit> {
    this.#closing ??= (async () => {
      this.#closed.abort(this.#closedError())
      // A command that has its slot is known to the host first: it would count for as long as this process lives.
      await Promise.allSettled(this.#starting)
      await this.#own.leave()
      return this.#host.close()
    })()
    return this.#closing
  }

  /** The same as `close`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #throwIfClosed(): void {
    if (this.#closing) throw this.#closedError()
  }

  #closedError(): JobslotError {
    const name = this.name === null ? 'this pool' : `pool ${this.name}`
    return new JobslotError('ERR_JOBSLOT_CLOSED', `${name} was closed: open it anew`)
  }

  #timeoutError(timeout: number): JobslotError {
    const name = this.name === null ? 'this pool' : `pool ${this.name}`
    return new JobslotError('ERR_JOBSLOT_TIMEOUT', `no slot of ${name} within ${timeout} ms`)
  }
}

/** The names of `MemberOptions`. */
export const MEMBER_OPTIONS = ['label', 'max', 'priority', 'weight']

/** Those of Node's `spawn`; `timeout` is this one's own. */
const SPAWN_OPTIONS = [
  ...['timeout', 'signal', 'cwd', 'env', 'stdio', 'shell', 'detached', 'uid', 'gid', 'argv0', 'killSignal'],
  ...['serialization', 'windowsHide', 'windowsVerbatimArguments'],
]

function checkStyle(style: unknown): void {
  if (style === 'auto' || style === 'fifo' || style === 'pipe') return
  throw new TypeError(`style must be 'auto', 'fifo' or 'pipe', not ${String(style)}`)
}

/** What a request says of what is asked for. @throws TypeError */
export function requested(options: MemberOptions): Pick<JoinRequest, 'label' | 'limit' | 'priority' | 'weight'> {
  const { max = null, label = null, priority = 0, weight = 1 } = options
  if (max !== null) checkSlots(max, 1, 'max')
  if (!Number.isInteger(priority)) throw new TypeError(`priority must be a whole number, not ${String(priority)}`)
  if (label !== null && typeof label !== 'string') throw new TypeError(`label must be a string, not ${typeof label}`)
  if (!(typeof weight === 'number' && weight > 0 && weight <= MOST_WEIGHT)) {
    throw new TypeError(`weight must be a number above 0, at most ${MOST_WEIGHT}, not ${String(weight)}`)
  }
  return { label, limit: max, priority, weight }
}

/** @throws TypeError */
export function checkSlots(slots: number, least: number, what = 'slots'): number {
  if (Number.isInteger(slots) && slots >= least && slots <= MOST_SLOTS) return slots
  throw new TypeError(`${what} must be a whole number from ${least} to ${MOST_SLOTS}, not ${String(slots)}`)
}

interface Late {
  signal?: AbortSignal
  expire(): void
  clear(): void
}

function timeoutSignal(timeout: number, error: () => Error): Late {
  if (typeof timeout !== 'number' || Number.isNaN(timeout)) {
    throw new TypeError(`timeout must be a number of milliseconds, not ${String(timeout)}`)
  }
  if (timeout > 0x7fffffff) return { expire() {}, clear() {} }
  const late = new AbortController()
  const expire = () => late.abort(error())
  const timer = timeout > 0 ? setTimeout(expire, timeout) : undefined
  return { signal: late.signal, expire, clear: () => clearTimeout(timer) }
}
