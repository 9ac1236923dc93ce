import { basename } from 'node:path'
import type { Purse } from '../account/account.ts'
import type { LedgerRecord } from '../account/ledger.ts'
import { type Habits, looked, newcomer, refused, stirred } from '../plan/habits.ts'
import type { PlanMember } from '../plan/situation.ts'
import type { JoinRequest, MemberCommand } from './host.ts'

/** A member as the pool's owner knows it. */
export interface Member {
  readonly id: number
  /** Its place in ledger and account. */
  readonly place: number
  readonly request: JoinRequest
  /** Slots that it holds from first to last, with a token or without. */
  readonly slots: number
  readonly fifo: string | null
  command: MemberCommand | null
  /** What its FIFO was like when it was last looked at. */
  purse: Purse | null
  habits: Habits
  /** It has said that it waits for a token, and has not taken or returned one since. */
  waits: boolean
  /** What the addon was told to watch for. */
  watch: 0 | 1 | 2
  overReturned: number
  /** It as the last plan saw it, and what that was made of. */
  seen: { purse: Purse | null; habits: Habits; row: PlanMember } | null
}

export function newMember(
  of: Pick<Member, 'id' | 'place' | 'request' | 'slots' | 'fifo' | 'purse' | 'command'>,
): Member {
  const habits = newcomer(performance.now())
  return {
    ...of,
    habits: { ...habits, refusals: restOf(of.request) },
    waits: false,
    watch: 0,
    overReturned: 0,
    seen: null,
  }
}

/** Its slots without a token. What holds several has tokens for all but one. */
export function baseOf({ request, slots, fifo }: Pick<Member, 'request' | 'slots' | 'fifo'>): number {
  return fifo !== null && !request.draws ? 1 : slots
}

/** Tokens that it had left lying were taken from it. */
export function refuse(member: Member): void {
  const habits = refused(member.habits, performance.now())
  // Who waits and does not come is stopped, or gets no CPU: it does not say a second time that it waits.
  const rest = member.waits ? 0 : restOf(member.request)
  member.habits = { ...habits, refusals: habits.refusals + rest }
}

/** A process that takes slots itself says when it wants one: nobody has to find out. */
const restOf = ({ kind }: JoinRequest) => (kind === 'process' ? Number.POSITIVE_INFINITY : 0)

/** What is new in its FIFO. */
export function look(member: Member, purse: Purse, now: number): void {
  const stirs = purse.stirs - (member.purse ?? purse).stirs
  if (stirs !== 0) {
    member.habits = stirred(member.habits, now, stirs)
    member.waits = false
  }
  member.habits = looked(member.habits, purse.visible, now)
  member.purse = purse
}

/** All slots that it has. */
export function usedBy(member: Member): number {
  return baseOf(member) + (member.purse?.granted ?? 0)
}

/** Asked for all members in each plan: of who rests it is the same object each time. */
export function planned(member: Member): PlanMember {
  const { purse, habits, seen } = member
  if (seen?.habits === habits && seen.purse === purse && seen.row.watch === member.watch) return seen.row
  const row = rowOf(member)
  member.seen = { purse, habits, row }
  return row
}

/** Field by field: to spread objects into it takes some times as long. */
function rowOf(of: Member): PlanMember {
  const { id, request, purse, habits } = of
  // What holds a number of slots for good is to the plan as if it had no tokens.
  const drawn = request.draws ? purse : null
  return {
    id,
    base: drawn ? baseOf(of) : usedBy(of),
    granted: drawn?.granted ?? 0,
    visible: drawn?.visible ?? 0,
    debt: drawn?.debt ?? 0,
    priority: request.priority,
    weight: request.weight,
    max: request.limit,
    draws: drawn !== null,
    stirredAt: habits.stirredAt,
    refusals: habits.refusals,
    refusedAt: habits.refusedAt,
    grantedAt: habits.grantedAt,
    pace: habits.pace,
    reaction: habits.reaction,
    delay: habits.delay,
    asked: habits.asked,
    unused: habits.unused,
    unusedUntil: habits.unusedUntil,
    watch: of.watch,
  }
}

export function recordOf(member: Member, heldBack: number | null = null): LedgerRecord {
  const { id, fifo, command, request } = member
  const { kind, pid, startTime, label, priority, weight, limit: max, since } = request
  return {
    ...{ id, kind, pid, startTime, label, priority, weight, max, since, heldBack },
    commandPid: command?.pid ?? null,
    commandStart: command?.startTime ?? null,
    base: baseOf(member),
    fifo: fifo === null ? null : basename(fifo),
  }
}

/** A member as an earlier broker has written it down, with the path of its FIFO and the tokens it was granted. */
export function memberOf(place: number, record: LedgerRecord, fifo: string | null, granted: number): Member {
  const {
    id,
    kind,
    pid,
    startTime,
    label,
    priority,
    weight,
    max: limit,
    since,
    base,
    commandPid,
    commandStart,
  } = record
  const draws = kind !== 'acquire'
  // Of several slots held for good all but one are tokens.
  const slots = draws ? base : base + granted
  const request = { kind, pid, startTime, label, min: slots, max: slots, draws, limit, priority, weight, since }
  const command = commandPid === null ? null : { pid: commandPid, startTime: commandStart ?? '' }
  return newMember({ id, place, request, slots, fifo, purse: null, command })
}
