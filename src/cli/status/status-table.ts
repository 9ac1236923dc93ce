import type { MemberStatus, PoolStatus } from '../../pool/host.ts'
import { limitsText } from '../governor-words.ts'
import { visible } from '../messages.ts'
import { age, count, table } from '../table.ts'

/** A limit as text for people. Pure, as all here: `now` in milliseconds since 1970. */

/** What `status` prints of a plain jobserver, in which nobody knows who holds what. */
export interface JobserverStatus {
  pool: null
  slots: number | null
  free: number
  members: null
  waiters: null
}

export interface Shown {
  /** How the limit is called. */
  name: string
  status: PoolStatus | JobserverStatus
  /** The pool's name as it stands in the ids of its slots. */
  mark?: string
  /** Nobody has it open. */
  asleep?: boolean
  /** Nobody has ever used it, or set it. */
  unmade?: boolean
}

export function statusLines({ name, status, mark = '', asleep = false, unmade = false }: Shown, now: number): string[] {
  if (!isPool(status)) {
    const slots = status.slots === null ? 'an unknown number of slots' : count(status.slots, 'slot')
    return [`${visible(name)}: ${slots}, ${status.free} free; who holds the others cannot be told`]
  }
  if (unmade)
    return [`${visible(name)}: nobody has made it; the first to use it does, with ${count(status.slots, 'slot')}`]
  const limits = status.governor?.reason ? '' : limitsText(status.governor?.limits ?? {})
  const state = [summary(status), limits, asleep ? 'nobody uses it' : ''].filter((part) => part !== '').join(', ')
  const head = `${visible(name)}: ${state}`
  if (status.members.length + status.waiters.length === 0) return [head]
  return [head, ...table(rowsOf(status, mark, now)).map((line) => `  ${line}`)]
}

export function isPool(status: PoolStatus | JobserverStatus): status is PoolStatus {
  return status.members !== null
}

/** Slots, free ones, and why there are fewer than there could be. */
export function summary({ slots, effective, free, governor }: PoolStatus): string {
  if (effective >= slots) return `${count(slots, 'slot')}, ${free} free`
  const why = governor?.reason ? `: ${visible(governor.reason)}` : ''
  return `${effective} of ${count(slots, 'slot')}, ${free} free${why}`
}

function rowsOf({ members, waiters }: PoolStatus, mark: string, now: number): string[][] {
  const rows = [
    ...members.map((member) => memberRow(member, mark, now)),
    ...waiters.map((waiter) => waiterRow(waiter, mark, now)),
  ]
  // Most pools know neither priorities nor weights.
  const columns = COLUMNS.filter(
    (column) =>
      (column !== 'PRIORITY' || rows.some(({ PRIORITY }) => PRIORITY !== '0')) &&
      (column !== 'WEIGHT' || members.some(({ weight }) => weight !== 1)),
  )
  return [columns, ...rows.map((row) => columns.map((column) => row[column]))]
}

const COLUMNS = ['ID', 'PID', 'IS', 'SLOTS', 'READY', 'PRIORITY', 'WEIGHT', 'FOR', 'LABEL'] as const

type Row = Record<(typeof COLUMNS)[number], string>

function memberRow(member: MemberStatus, mark: string, now: number): Row {
  return {
    ID: `${mark}/${member.id}`,
    PID: String(member.pid),
    IS: member.survivors > 0 ? `${member.kind}, ended` : member.kind,
    SLOTS: slotsOf(member),
    READY: member.kind === 'acquire' ? '' : String(member.visible),
    PRIORITY: String(member.priority),
    WEIGHT: String(member.weight),
    FOR: age(now - member.since),
    LABEL: visible(member.label ?? ''),
  }
}

function waiterRow(waiter: PoolStatus['waiters'][number], mark: string, now: number): Row {
  return {
    ID: `${mark}/${waiter.id}`,
    PID: String(waiter.pid),
    IS: 'waits',
    SLOTS: `wants ${waiter.wants}`,
    READY: '',
    PRIORITY: String(waiter.priority),
    WEIGHT: '',
    FOR: age(now - waiter.since),
    LABEL: visible(waiter.label ?? ''),
  }
}

/** Slots in use; those that lie ready for it are told beside. An `acquire` uses all that it holds. */
function slotsOf({ kind, base, held, granted, max, survivors }: MemberStatus): string {
  if (kind === 'acquire' && survivors === 0) return String(base + granted)
  if (survivors > 0) return `${base + held} by ${survivors === 1 ? '1 process' : `${survivors} processes`}`
  return max === null ? String(base + held) : `${base + held} of ${max}`
}
