import type { MemberStatus, PoolStatus } from './host.ts'
import { baseOf, type Member, usedBy } from './member.ts'
import type { Remnant } from './remnants.ts'

/** A pool's state as `status` tells it. Pure. */
export function statusOf(pool: {
  name: string | null
  slots: number
  effective: number
  governor: PoolStatus['governor']
  members: Iterable<Member>
  /** Whether the process that asked for a member is there no more. */
  isAlone(member: Member): boolean
  remnants: Iterable<Remnant>
  waiters: PoolStatus['waiters']
  overReturned: number
  reclaimed: number
}): PoolStatus {
  const { name, slots, effective, governor, waiters, overReturned, reclaimed } = pool
  const members: MemberStatus[] = []
  let used = 0
  for (const member of pool.members) {
    const { granted = 0, visible = 0 } = member.purse ?? {}
    // What lies visible, anybody may have.
    used += usedBy(member) - (member.request.draws ? Math.min(granted, visible) : 0)
    members.push({
      ...told(member),
      ...(pool.isAlone(member) && member.command ? { pid: member.command.pid } : {}),
      base: baseOf(member),
      granted,
      visible,
      held: granted - visible,
      survivors: 0,
    })
  }
  for (const remnant of pool.remnants) {
    used += remnant.slots
    const { slots: held, survivors } = remnant
    members.push({ ...told(remnant.member), base: 0, granted: held, visible: 0, held, survivors })
  }
  const free = Math.max(0, effective - used)
  return { pool: name, slots, effective, free, governor, members, waiters, overReturned, reclaimed }
}

function told({ id, request }: Member) {
  const { pid, label, kind, since, priority, weight, limit } = request
  return { id, pid, label, kind, since, priority, weight, max: limit }
}
