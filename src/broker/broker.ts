import { readlinkSync } from 'node:fs'
import type { LedgerRecord } from '../account/ledger.ts'
import { JobslotError } from '../errors.ts'
import type { Audit, Joined, JoinRequest } from '../pool/host.ts'
import { readProcess } from '../proc.ts'
import type { CallContext, Methods, WorkerClient } from '../worker/wire/session.ts'
import {
  type Hello,
  PROTOCOL,
  readHello,
  readId,
  readJoin,
  readKey,
  readLeave,
  readLimits,
  readProtocol,
  readSlots,
  readStarted,
  type Welcome,
} from './messages.ts'
import type { PoolPlace } from './place.ts'
import { type Opened, openKept } from './recovery.ts'
import { sweepPools } from './sweep.ts'

/** A process that is connected. */
interface Peer {
  pid: number
  startTime: string
  /** The members that it speaks for, with its own numbers for them. */
  held: Map<number, number>
}

/** How long after it has come back a process may speak for its members again. Several copies of jobslot may be in it. */
const CLAIM_MS = 5000

/** Sooner than it ends where nobody else comes. */
const SWEEP_MS = 300

/** A named pool's broker: what its members may ask for, over the socket of a shared worker. */
export class Broker {
  readonly #place: PoolPlace
  readonly #peers = new Map<WorkerClient, Peer>()
  #opened: Opened | null = null
  #sweeping: NodeJS.Timeout | null = null

  constructor(place: PoolPlace) {
    this.#place = place
  }

  readonly methods: Methods = {
    hello: (message, { client }) => this.#hello(message, client),
    join: (message, context) => this.#join(message, context),
    withdraw: (message, { client }) => this.#withdraw(readKey('withdraw', message), client),
    rejoin: (message, { client }) => this.#rejoin(readId('rejoin', message), client),
    started: (message, { client }) => {
      const { id, command } = readStarted(message)
      return this.#of(client, id).started(id, command)
    },
    leave: (message, { client }) => {
      const { id, signaled } = readLeave(message)
      return this.#leave(id, signaled, client)
    },
    release: (message, { client }) => this.#for(client).owner.release(readId('release', message)),
    hungry: (message, { client }) => {
      const id = readId('hungry', message)
      this.#of(client, id).hungry(id)
    },
    resize: async (message, { client }) => {
      const slots = readSlots(message)
      await this.#resize(this.#for(client), slots)
    },
    govern: async (message, { client }) => {
      const limits = readLimits(message)
      const opened = this.#for(client)
      opened.save({ limits })
      await opened.owner.govern(limits)
    },
    status: (_, { client }) => this.#for(client).owner.status(),
  }

  /** The process ends: nobody uses it any more. What killed members have left keeps its folder for the next broker. */
  end(): void {
    this.#opened?.end()
  }

  async #hello(message: unknown, client: WorkerClient): Promise<Welcome> {
    this.#checkVersion(readProtocol(message))
    const { pid, slots } = readHello(message)
    if (this.#peers.has(client)) throw this.#outOfTurn()
    const startTime = this.#startTimeOf(pid, client)
    const opened = this.#open()
    // Before anything is waited for: what it says next is there already.
    this.#peers.set(client, { pid, startTime, held: new Map() })
    client.closed.addEventListener('abort', () => this.#left(client), { once: true })
    setTimeout(() => this.#dropUnclaimed(pid, startTime), CLAIM_MS).unref()
    this.#sweep()
    const warning = slots === null ? null : await this.#suggest(opened, slots)
    return { protocol: PROTOCOL, pid: process.pid, dir: this.#place.dir, slots: opened.slots, warning }
  }

  /** Removes what killed brokers of other pools have left; a while later, as whoever comes is in a hurry. */
  #sweep(): void {
    this.#sweeping ??= setTimeout(() => {
      this.#sweeping = null
      sweepPools({ except: this.#place })
    }, SWEEP_MS).unref()
  }

  #checkVersion(protocol: Hello['protocol']): void {
    if (protocol === PROTOCOL) return
    throw new JobslotError(
      'ERR_JOBSLOT_POOL_VERSION',
      `the broker of ${this.#label} (process ${process.pid}) speaks version ${PROTOCOL} of the pools' protocol and this ` +
        `program ${protocol}: use one version of jobslot, or wait until its members have ended`,
    )
  }

  /** Who a process is the kernel says, and to the kernel one of another PID namespace is somebody else. */
  #startTimeOf(pid: number, client: WorkerClient): string {
    const entry = readProcess(client.pid)
    if (client.pid === pid && entry && isSeenAlike(pid)) return entry.startTime
    throw new JobslotError(
      'ERR_JOBSLOT_POOL_NAMESPACE',
      `${this.#label} is in use from another PID namespace, by its broker, process ${process.pid} there: members of two ` +
        'cannot watch each other; set JOBSLOT_DIR to another folder on one side, or share the namespace',
    )
  }

  #open(): Opened {
    this.#opened ??= openKept(this.#place)
    return this.#opened
  }

  /** Whoever opens a pool may say how many slots it has, if nobody has before. */
  async #suggest(opened: Opened, slots: number): Promise<string | null> {
    if (!opened.isSized) await this.#resize(opened, slots)
    if (opened.slots === slots) return null
    return `${this.#label} has ${opened.slots} slots, not ${slots}: its size is set with "jobslot resize"`
  }

  async #resize(opened: Opened, slots: number): Promise<void> {
    opened.save({ slots })
    await opened.owner.resize(slots)
  }

  async #join(message: unknown, { client, signal }: CallContext): Promise<Joined> {
    const { owner } = this.#for(client)
    const peer = this.#peerOf(client)
    const { key, ...rest } = readJoin(message)
    const request = { ...rest, pid: peer.pid, startTime: peer.startTime }
    const joined = this.#regained(request) ?? (await owner.join(request, { signal }))
    // In the turn in which it was let in, and so nobody knows of it.
    if (signal.aborted) await owner.leave(joined.id, { signaled: false })
    else peer.held.set(joined.id, key)
    return joined
  }

  /** The broker before may have let it in, and have died before it could say so. */
  #regained(request: JoinRequest): Joined | null {
    const { unclaimed, owner } = this.#open()
    for (const [id, found] of unclaimed) {
      if (!isSame(found, request)) continue
      unclaimed.delete(id)
      const joined = owner.rejoin(id, request.pid)
      if (joined) return joined
    }
    return null
  }

  /** The asker waits no longer, and may not have heard that it is in. */
  #withdraw(key: number, client: WorkerClient): void {
    for (const [id, its] of this.#peerOf(client).held) if (its === key) void this.#leave(id, false, client)
  }

  /** Null: the broker before has not written it down, or somebody has removed what it wrote. */
  #rejoin(id: number, client: WorkerClient): Joined | null {
    const { owner, unclaimed } = this.#for(client)
    const peer = this.#peerOf(client)
    const joined = owner.rejoin(id, peer.pid)
    if (joined) peer.held.set(id, 0)
    unclaimed.delete(id)
    return joined
  }

  #leave(id: number, signaled: boolean, client: WorkerClient): Promise<Audit> {
    const owner = this.#of(client, id)
    this.#peerOf(client).held.delete(id)
    return owner.leave(id, { signaled })
  }

  #left(client: WorkerClient): void {
    for (const id of this.#peers.get(client)?.held.keys() ?? []) this.#open().owner.lost(id)
    this.#peers.delete(client)
  }

  /** A process that is here and does not know of a member of its own has not heard that it was let in, and never will. */
  #dropUnclaimed(pid: number, startTime: string): void {
    const { owner, unclaimed } = this.#open()
    for (const [id, { pid: its, startTime: since, commandPid }] of [...unclaimed]) {
      if (its !== pid || since !== startTime || commandPid !== null) continue
      unclaimed.delete(id)
      void owner.leave(id, { signaled: true }).catch(() => {})
    }
  }

  #peerOf(client: WorkerClient): Peer {
    const peer = this.#peers.get(client)
    if (peer) return peer
    throw this.#outOfTurn()
  }

  #outOfTurn(): JobslotError {
    return new JobslotError(
      'ERR_JOBSLOT_POOL_MESSAGE',
      `the first message to the broker of ${this.#label}, and no other, is "hello": speak to it through jobslot`,
    )
  }

  #for(client: WorkerClient): Opened {
    this.#peerOf(client)
    return this.#open()
  }

  /** The owner, for who speaks for this member. */
  #of(client: WorkerClient, id: number): Opened['owner'] {
    if (this.#peerOf(client).held.has(id)) return this.#open().owner
    throw new JobslotError('ERR_JOBSLOT_NO_SLOT', `slot ${id} of ${this.#label} is not held by process ${client.pid}`)
  }

  get #label(): string {
    return `pool ${JSON.stringify(this.#place.name)}`
  }
}

function isSame(record: LedgerRecord, request: JoinRequest): boolean {
  const names = ['pid', 'startTime', 'kind', 'since', 'label'] as const
  return record.max === request.limit && names.every((name) => record[name] === request[name])
}

/** Two processes of different namespaces may have the same number. */
function isSeenAlike(pid: number): boolean {
  const its = namespaceOf(pid)
  return its === null || its === namespaceOf('self')
}

/** Null where /proc does not tell: of a process with more rights, for one. */
function namespaceOf(pid: number | 'self'): string | null {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`)
  } catch {
    return null
  }
}
