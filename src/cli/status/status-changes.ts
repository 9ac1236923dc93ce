import type { MemberStatus, PoolStatus } from '../../pool/host.ts'
import { visible } from '../messages.ts'
import { count } from '../table.ts'
import { summary } from './status-table.ts'

/** What has happened in a pool between two looks at it, a line for each event. Null before: the first look. Pure. */
export function changes(name: string, before: PoolStatus | null, after: PoolStatus): string[] {
  const were = new Map(before?.members.map((member) => [member.id, member]))
  const waited = new Map(before?.waiters.map((waiter) => [waiter.id, waiter]))
  const are = new Set(after.members.map(({ id }) => id))
  const waiting = new Set(after.waiters.map(({ id }) => id))
  const events = [
    ...after.waiters
      .filter(({ id }) => !waited.has(id))
      .map((waiter) => `waits for ${count(waiter.wants, 'slot')}: ${who(waiter)}`),
    ...[...waited.values()]
      .filter(({ id }) => !waiting.has(id) && !are.has(id))
      .map((waiter) => `gave up: ${who(waiter)}`),
    ...after.members.filter(({ id }) => !were.has(id)).map((member) => `joined: ${member.kind} ${who(member)}`),
    ...after.members
      .filter(({ id, survivors }) => survivors > 0 && !were.get(id)?.survivors)
      .map(
        (member) => `ended, ${count(member.base + member.held, 'slot')} held by what it left running: ${who(member)}`,
      ),
    ...[...were.values()].filter(({ id }) => !are.has(id)).map((member) => `left: ${who(member)}`),
  ]
  if (before && events.length === 0 && figures(before) === figures(after)) return []
  return [...events, figures(after)].map((text) => `${visible(name)}: ${text}`)
}

function figures(status: PoolStatus): string {
  const { members, waiters } = status
  return `${summary(status)}, ${count(members.length, 'member')}, ${waiters.length} waiting`
}

function who({ pid, label }: Pick<MemberStatus, 'pid' | 'label'>): string {
  return label === null ? `process ${pid}` : `process ${pid} (${visible(label)})`
}
