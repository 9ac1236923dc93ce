import { closeSync } from 'node:fs'
import { Account } from '../account/account.ts'
import type { Ledger } from '../account/ledger.ts'
import { JobslotError } from '../errors.ts'
import { granted, withdrawn } from '../plan/habits.ts'
import type { Move, Plan } from '../plan/situation.ts'
import type { FifoPlace } from './fifo-place.ts'
import type { Audit, JoinRequest } from './host.ts'
import { look, type Member, newMember, recordOf, refuse, usedBy } from './member.ts'
import type { ProcessIdentity } from './survivors.ts'

/** How old the last look at all may be. */
const LOOK_MS = 5

/** The members of a pool, their FIFOs and what is written of them: does what a plan says, and decides nothing. */
export class Book {
  readonly members = new Map<number, Member>()
  /** Tokens given back that nobody had taken. */
  overReturned = 0
  readonly #ledger: Ledger
  readonly #fifos: FifoPlace
  readonly #account: Account
  readonly #byPlace = new Map<number, Member>()
  readonly #taken = new Set<number>()
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(ledger: Ledger, fifos: FifoPlace, onEvent: () => void) {
    this.#ledger = ledger
    this.#fifos = fifos
    this.#account = new Account(ledger.fd, ledger.places, onEvent)
  }

  /**
   * Written down before anything of it is given.
   *
   * @throws JobslotError `ERR_JOBSLOT_STATE_DIR`, `ERR_JOBSLOT_POOL_FULL`
   */
  open(id: number, request: JoinRequest, slots: number): Member {
    const ledger = this.#ledger
    const place = this.#freePlace()
    if (place === ledger.places) {
      throw new JobslotError('ERR_JOBSLOT_POOL_FULL', `there is no room for more than ${ledger.places} members`)
    }
    // Of several slots it holds one as any command does; the others are tokens for what it starts.
    const tokens = request.draws ? 0 : Math.max(0, slots - 1)
    const fifo = request.draws || tokens > 0 ? this.#fifos.make(id) : null
    const member = newMember({ id, place, request, slots, fifo: fifo?.path ?? null, command: null, purse: null })
    try {
      ledger.write(place, recordOf(member))
      if (fifo) this.#account.add(place, fifo.fd)
    } catch (error) {
      if (fifo) {
        this.#fifos.remove(fifo.path)
        closeSync(fifo.fd)
      }
      this.#free(place)
      throw error
    }
    this.#keep(member)
    if (tokens > 0) {
      this.#account.grant(place, tokens)
      this.refresh(member)
    }
    return member
  }

  /** One that is written down already; takes the descriptor over. */
  keep(member: Member, fd: number | null): void {
    if (fd !== null) this.#account.add(member.place, fd)
    this.#keep(member)
  }

  #keep(member: Member): void {
    this.#taken.add(member.place)
    this.members.set(member.id, member)
    this.#byPlace.set(member.place, member)
    if (member.fifo !== null) member.purse = this.#account.read(member.place)
  }

  /** Whether the process has asked for a member's slots. */
  hasAsker({ pid, startTime }: ProcessIdentity): boolean {
    for (const { request } of this.members.values()) {
      if (request.pid === pid && request.startTime === startTime) return true
    }
    return false
  }

  write(member: Member): void {
    this.#ledger.write(member.place, recordOf(member))
  }

  refresh(member: Member): void {
    if (member.purse) look(member, this.#account.read(member.place), performance.now())
  }

  /**
   * What has happened since it was last asked. Now and then all are looked at: a client that takes again what it
   * returned is no event, but whoever is active is to be known.
   */
  lookAtChanged(): void {
    const now = performance.now()
    const all = now - this.#lookedAt >= LOOK_MS
    if (all) this.#lookedAt = now
    for (const purse of all ? this.#account.readAll() : this.#account.changed()) {
      const member = this.#byPlace.get(purse.index)
      if (member) look(member, purse, now)
    }
  }

  /** @returns whether there may be something new to plan: not where tokens were but given, or are but owed */
  do(move: Exclude<Move, { do: 'admit' }>): boolean {
    const member = this.members.get(move.member)
    if (!member?.purse) return false
    const before = member.purse.granted
    const account = this.#account
    const { place } = member
    switch (move.do) {
      case 'grant':
        if (account.grant(place, move.tokens) > 0) {
          member.habits = granted(member.habits, performance.now())
        }
        break
      case 'take':
        this.#take(member, move.tokens, move.refused)
        break
      case 'owe':
        account.owe(place, move.tokens)
        break
      case 'surplus':
        this.#overReturn(member, account.takeSurplus(place))
    }
    this.refresh(member)
    return move.do === 'take' || move.do === 'surplus' || member.purse.granted < before
  }

  /** What each FIFO is watched for. `closely`: for everything, whatever the plan needs. @returns whether that is new */
  watch(wanted: Plan['watch'], closely: boolean): boolean {
    let isNew = false
    for (const [id, least] of wanted) {
      const want = closely ? 2 : least
      const member = this.members.get(id)
      if (!member?.purse || member.watch === want) continue
      this.#account.watch(member.place, want)
      member.watch = want
      isNew = true
      // What came before the watch began.
      this.refresh(member)
    }
    return isNew
  }

  /** Slots that members have. */
  get used(): number {
    let sum = 0
    for (const member of this.members.values()) sum += usedBy(member)
    return sum
  }

  /** Takes tokens that lie unused, `most` at most. @returns how many it got */
  takeIdle(most: number): number {
    let taken = 0
    for (const member of this.members.values()) {
      if (taken >= most || !member.request.draws || !member.purse) continue
      taken += this.#take(member, most - taken, true)
      this.refresh(member)
    }
    return taken
  }

  #take(member: Member, most: number, isRefusal: boolean): number {
    const tokens = this.#account.take(member.place, most)
    member.habits = withdrawn(member.habits, tokens)
    if (tokens > 0 && isRefusal) refuse(member)
    return tokens
  }

  /** The end of a member's tokens: what lies there is free again, what does not is missing. */
  close(member: Member): Audit {
    this.members.delete(member.id)
    this.#byPlace.delete(member.place)
    if (!member.purse || member.fifo === null) return { missing: 0, extra: 0 }
    const { place } = member
    this.#overReturn(member, this.#account.takeSurplus(place))
    // First, so that nobody comes to a FIFO without an owner.
    this.#fifos.remove(member.fifo)
    const { held } = this.#account.remove(place)
    return { missing: Math.max(0, held), extra: member.overReturned }
  }

  /** What ended is written down in another way: its tokens are no longer counted, its place is still taken. */
  settle(member: Member): void {
    this.#taken.add(member.place)
    if (member.purse) this.#account.forget(member.place)
    member.purse = null
  }

  /** Nothing of it holds a slot any more. */
  forget(member: Member): void {
    this.settle(member)
    this.#free(member.place)
  }

  /** Ends everything. */
  end(): void {
    this.#account.close()
    this.#ledger.close()
  }

  #freePlace(): number {
    let place = 0
    while (this.#taken.has(place)) place++
    return place
  }

  #free(place: number): void {
    this.#ledger.erase(place)
    this.#taken.delete(place)
  }

  #overReturn(member: Member, tokens: number): void {
    member.overReturned += tokens
    this.overReturned += tokens
  }
}
