import type { Purse } from './account.ts'
import type { JoinRequest, MemberCommand } from './host.ts'
import type { PlanMember } from './plan.ts'

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
  stirredAt: number
  refusals: number
  refusedAt: number
  /** What the addon was told to watch for. */
  watch: 0 | 1 | 2
  overReturned: number
}

/** What stands in the ledger of a member, or of what is left of it. */
export interface MemberRecord extends JoinRequest {
  id: number
  slots: number
  fifo: string | null
  command: MemberCommand | null
  /** Slots held back after its end; null while it lasts. */
  heldBack: number | null
}

export function newMember(
  of: Pick<Member, 'id' | 'place' | 'request' | 'slots' | 'fifo' | 'purse' | 'command'>,
): Member {
  const stirredAt = performance.now()
  return { ...of, stirredAt, refusals: 0, refusedAt: 0, watch: 0, overReturned: 0 }
}

/** Its slots without a token. What holds several has tokens for all but one. */
export function baseOf({ request, slots, fifo }: Pick<Member, 'request' | 'slots' | 'fifo'>): number {
  return fifo !== null && !request.draws ? 1 : slots
}

/** What is new in its FIFO. */
export function look(member: Member, purse: Purse, now: number): void {
  if (member.purse && purse.stirs !== member.purse.stirs) {
    member.stirredAt = now
    member.refusals = 0
  }
  member.purse = purse
}

/** All slots that it has. */
export function usedBy(member: Member): number {
  return baseOf(member) + (member.purse?.granted ?? 0)
}

export function planned(member: Member): PlanMember {
  const { id, request, purse, stirredAt, refusals, refusedAt } = member
  const { priority, weight, limit, draws } = request
  const rest = { id, priority, weight, max: limit, stirredAt, refusals, refusedAt }
  // What holds a number of slots for good is to the plan as if it had no tokens.
  if (!draws || !purse) return { ...rest, base: usedBy(member), granted: 0, visible: 0, debt: 0, draws: false }
  const { granted, visible, debt } = purse
  return { ...rest, base: baseOf(member), granted, visible, debt, draws: true }
}

export function recordOf(member: Member): MemberRecord {
  const { id, slots, fifo, command, request } = member
  return { ...request, id, slots, fifo, command, heldBack: null }
}
