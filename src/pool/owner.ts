import type { Ledger, LedgerEntry, LedgerRecord } from '../account/ledger.ts'
import { JobslotError } from '../errors.ts'
import { Governed } from '../governor/governed.ts'
import type { GovernorLimits } from '../governor/governor.ts'
import { PROBE_MS } from '../plan/appetite.ts'
import { asked } from '../plan/habits.ts'
import { plan } from '../plan/plan.ts'
import type { Plan } from '../plan/situation.ts'
import { Book } from './book.ts'
import type { FifoPlace, MemberFifo } from './fifo-place.ts'
import type { Audit, Joined, JoinRequest, MemberCommand, PoolHost, PoolStatus } from './host.ts'
import { baseOf, type Member, memberOf, planned } from './member.ts'
import { outlived } from './outlived.ts'
import { Queue } from './queue.ts'
import { type Remnant, Remnants } from './remnants.ts'
import { Rounds } from './rounds.ts'
import type { SlotSource } from './source.ts'
import { Spare } from './spare.ts'
import { statusOf } from './status.ts'
import type { ProcessIdentity } from './survivors.ts'

export interface OwnerOptions {
  /** Null for a pool that is only this process's. */
  name: string | null
  /** What stands before the slash in its members' marks. */
  mark: string
  source: SlotSource
  fifos: FifoPlace
  ledger: Ledger
  limits?: GovernorLimits | undefined
  /** The number of its first member. */
  firstId?: number
  /** A member has come, or the last slot of one has been freed. */
  onMembers?: () => void
}

/** What a FIFO holds. */
export const MOST_SLOTS = 65_536
/** Of so many members something happens all the time, and a plan for them takes a while: one for several events. */
const MANY = 50
const MANY_MS = 4

/** A pool's owner: what happens to it comes here, `plan` says what to do, the book does it. */
export class PoolOwner implements PoolHost {
  readonly #options: OwnerOptions
  readonly #book: Book
  readonly #queue = new Queue()
  readonly #remnants: Remnants
  readonly #governed: Governed
  readonly #spare: Spare
  readonly #lasting = new Map<Member, AbortController>()
  #lastId: number
  #reclaimed = 0
  readonly #rounds = new Rounds(() => this.#step())
  #isClosed = false

  constructor(options: OwnerOptions) {
    const { ledger, fifos, source, mark, firstId = 1, limits = {} } = options
    this.#options = options
    this.#lastId = firstId - 1
    this.#book = new Book(ledger, fifos, () => this.#runSoon())
    const isAsker = (process: ProcessIdentity) => this.#book.hasAsker(process) || this.#queue.hasAsker(process)
    this.#remnants = new Remnants(mark, ledger, isAsker, (remnant, freed) => this.#freed(remnant, freed))
    this.#governed = new Governed(
      limits,
      () => source.slots,
      () => this.#rounds.run(),
    )
    this.#spare = new Spare((slots) => this.#giveBack(slots))
    source.start(() => this.#rounds.run())
  }

  /** The greatest number that a member has had. */
  get lastId(): number {
    return this.#lastId
  }

  /** Members, those who wait to be, and what is left of those that were. */
  get size(): number {
    return this.#book.members.size + this.#remnants.size + this.#queue.size
  }

  async join(request: JoinRequest, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<Joined> {
    signal?.throwIfAborted()
    this.#throwIfClosed()
    const { most } = this.#options.source
    // A pool of none is being drained: who comes waits until it has some again.
    if (most > 0 && request.min > most) {
      throw new JobslotError(
        'ERR_JOBSLOT_TOO_MANY',
        `${request.min} slots can never be had of ${this.#label}, which has ${most}: ask for at most ${most}`,
      )
    }
    const joined = this.#queue.add(++this.#lastId, request, signal, () => this.#rounds.run())
    this.#rounds.run()
    return joined
  }

  async started(id: number, command: MemberCommand): Promise<void> {
    const member = this.#memberOf(id)
    member.command = command
    this.#book.write(member)
  }

  async leave(id: number, { signaled }: { signaled: boolean }): Promise<Audit> {
    // Its account was closed with all others.
    if (this.#isClosed) return { missing: 0, extra: 0 }
    return this.#finish(this.#memberOf(id), signaled)
  }

  /** Ends a member for which nobody speaks, as `acquire --for` leaves them. */
  async release(id: number): Promise<void> {
    const member = this.#memberOf(id)
    if (!this.#lasting.has(member)) {
      throw new JobslotError('ERR_JOBSLOT_NO_SLOT', `slot ${id} of ${this.#label} is a command's, and ends with it`)
    }
    this.#finish(member, false)
  }

  hungry(id: number): void {
    const member = this.#book.members.get(id)
    if (!member) return
    member.waits = true
    if (member.habits.refusals === 0) return
    member.habits = asked(member.habits)
    this.#runSoon()
  }

  async resize(slots: number): Promise<void> {
    this.#throwIfClosed()
    this.#options.source.resize(slots)
    this.#rounds.run()
  }

  async govern(limits: GovernorLimits): Promise<void> {
    this.#throwIfClosed()
    this.#governed.setLimits(limits)
    this.#rounds.run()
  }

  async status(): Promise<PoolStatus> {
    const { members, overReturned } = this.#book
    for (const member of members.values()) this.#book.refresh(member)
    const { name, source } = this.#options
    return statusOf({
      name,
      slots: source.most,
      effective: this.#effective,
      governor: this.#governed.status,
      members: members.values(),
      isAlone: (member) => this.#lasting.has(member),
      remnants: this.#remnants,
      waiters: this.#queue.status(),
      overReturned,
      reclaimed: this.#reclaimed,
    })
  }

  /**
   * Takes over what an earlier broker has written of a member, whose FIFO is open as `fd`. Nobody speaks for it yet.
   */
  adopt({ index, granted, record }: LedgerEntry & { record: LedgerRecord }, fifo: MemberFifo | null): void {
    this.#lastId = Math.max(this.#lastId, record.id)
    const member = memberOf(index, record, fifo?.path ?? null, granted)
    if (record.heldBack === null) {
      this.#book.keep(member, fifo?.fd ?? null)
      this.lost(member.id)
    } else {
      this.#book.settle(member)
      if (this.#remnants.hold(member, record.heldBack, 0) === 0) this.#book.forget(member)
    }
  }

  /** Its process speaks for it again. Null: there is no such member of this process. */
  rejoin(id: number, pid: number): Joined | null {
    const member = this.#book.members.get(id)
    if (member?.request.pid !== pid) return null
    this.#spokenFor(member)
    this.#rounds.run()
    return this.#joined(member)
  }

  /** Nobody speaks for it any more: it lasts as long as its command, or the process that it is. */
  lost(id: number): void {
    const member = this.#book.members.get(id)
    if (!member || this.#lasting.has(member)) return
    const found = new AbortController()
    this.#lasting.set(member, found)
    outlived(member, this.#markOf(member), found.signal).then(
      // Its process may have come back in the same moment, and tells of the end itself.
      () => this.#lasting.get(member) === found && this.#finish(member, true),
      () => {},
    )
  }

  /** What is still out is `missing`. */
  async close(): Promise<Audit> {
    if (this.#isClosed) return { missing: 0, extra: 0 }
    this.#isClosed = true
    this.#rounds.stop()
    this.#spare.stop()
    this.#governed.stop()
    this.#queue.end(this.#closedError())
    let missing = this.#remnants.slots
    this.#remnants.stop()
    for (const member of [...this.#book.members.values()]) {
      this.#spokenFor(member)
      missing += baseOf(member) + this.#book.close(member).missing
    }
    const audit = { missing, extra: this.#book.overReturned }
    this.#book.end()
    this.#options.source.close()
    return audit
  }

  get #label(): string {
    const { name } = this.#options
    return name === null ? 'this pool' : `pool ${name}`
  }

  get #effective(): number {
    return Math.min(this.#options.source.slots, this.#governed.effective)
  }

  #markOf(member: Member): string {
    return `${this.#options.mark}/${member.id}`
  }

  #throwIfClosed(): void {
    if (this.#isClosed) throw this.#closedError()
  }

  #closedError(): JobslotError {
    return new JobslotError('ERR_JOBSLOT_CLOSED', `${this.#label} was closed: open it anew`)
  }

  #memberOf(id: number): Member {
    const member = this.#book.members.get(id)
    if (member) return member
    throw new JobslotError('ERR_JOBSLOT_NO_SLOT', `${this.#label} holds no slot ${id}: it was given back, or never was`)
  }

  #joined(member: Member): Joined {
    const { id, slots, fifo, request } = member
    const { most } = this.#options.source
    // What is told as -j. Of several slots it has these; else it may get all that there are.
    const capacity = request.draws ? Math.max(1, Math.min(most, request.limit ?? most, MOST_SLOTS)) : slots
    return { id, slots, fifo, mark: this.#markOf(member), capacity }
  }

  #spokenFor(member: Member): void {
    this.#lasting.get(member)?.abort()
    this.#lasting.delete(member)
  }

  #finish(member: Member, signaled: boolean): Audit {
    this.#spokenFor(member)
    if (!this.#book.members.has(member.id)) return { missing: 0, extra: 0 }
    const audit = this.#book.close(member)
    const { missing } = audit
    // A clean end with all tokens back leaves daemons, if anything, and they hold nothing.
    // What it holds from first to last shows in no token.
    const all = member.request.draws ? baseOf(member) + missing : member.slots
    const kept = missing > 0 || signaled ? this.#remnants.hold(member, all, missing) : 0
    this.#reclaimed += missing - Math.min(kept, missing)
    if (kept === 0) this.#book.forget(member)
    else this.#book.settle(member)
    this.#changed()
    return audit
  }

  #freed({ member, slots }: Remnant, tokens: number): void {
    this.#reclaimed += tokens
    if (slots === 0) this.#book.forget(member)
    this.#changed()
  }

  #runSoon(): void {
    this.#rounds.runWithin(this.#book.members.size > MANY ? MANY_MS : 0)
  }

  #changed(): void {
    this.#options.onMembers?.()
    this.#rounds.run()
  }

  #giveBack(slots: number): void {
    if (this.#isClosed) return
    const { source } = this.#options
    const free = source.slots - this.#used
    const taken = free < slots ? this.#book.takeIdle(slots - free) : 0
    source.giveBack(Math.min(slots, Math.max(0, free) + taken))
    this.#rounds.run()
  }

  get #used(): number {
    return this.#book.used + this.#remnants.slots
  }

  /** @returns whether there is something new after which there may be more to do */
  #step(): boolean {
    this.#book.lookAtChanged()
    const planned = this.#plan()
    let isNew = false
    for (const move of planned.moves) {
      if (move.do === 'admit') this.#admit(move.waiter, move.slots)
      if (move.do === 'admit' || this.#book.do(move)) isNew = true
    }
    if (this.#book.watch(planned.watch, this.#options.source.returns)) isNew = true
    const { lookAt, moves } = planned
    // Whether what was given is used, is seen later.
    const next = moves.length > 0 ? Math.min(lookAt ?? Number.POSITIVE_INFINITY, performance.now() + PROBE_MS) : lookAt
    this.#afterwards({ ...planned, lookAt: next })
    return isNew
  }

  #plan(): Plan {
    const { source } = this.#options
    const limit = source.returns ? Math.min(source.most, this.#governed.effective) : undefined
    return plan({
      ...(limit === undefined ? {} : { limit }),
      capacity: this.#effective,
      heldBack: this.#remnants.slots,
      members: Array.from(this.#book.members.values(), planned),
      waiters: this.#queue.planned(Math.max(limit ?? 0, this.#effective)),
      now: performance.now(),
    })
  }

  #afterwards({ lookAt, lack, spare }: Plan): void {
    this.#rounds.runAt(lookAt)
    const { source } = this.#options
    if (!source.returns) return
    source.want(lack)
    this.#spare.see(lack > 0 ? 0 : spare)
  }

  #admit(id: number, slots: number): void {
    const waiting = this.#queue.take(id)
    if (!waiting) return
    try {
      const member = this.#book.open(id, waiting.request, slots)
      waiting.resolve(this.#joined(member))
      this.#options.onMembers?.()
    } catch (error) {
      waiting.reject(error)
    }
  }
}
