import { JobslotError } from '../errors.ts'
import type { GovernorLimits } from '../governor/governor.ts'
import type { JoinRequest, MemberCommand, MemberKind } from '../pool/host.ts'

/** What goes between a member and its broker, and the checks of all that comes in. `docs/pools.md` has the list. */

/** Counts up when either side could no longer understand the other. */
export const PROTOCOL = 1

/** The first message of each connection. */
export interface Hello {
  protocol: number
  /** As the process knows itself: to the kernel it has another one if it is of another PID namespace. */
  pid: number
  /** How many slots the pool gets if nobody has said yet. */
  slots: number | null
}

export interface Welcome {
  protocol: number
  pid: number
  dir: string
  slots: number
  /** What the one who said hello should know. */
  warning: string | null
}

/** Who asks is no part of it: that is what the kernel says. `key` is the asker's number for it. */
export type JoinMessage = Omit<JoinRequest, 'pid' | 'startTime'> & { key: number }

/** What a FIFO holds. */
const MOST_SLOTS = 65_536
/** In bytes, as JSON: it has to fit into the ledger. */
const LONGEST_LABEL = 200
const KINDS: readonly MemberKind[] = ['run', 'acquire', 'job', 'process']
const LIMITS = ['maxLoad', 'minMemory', 'maxPressure']
const PRESSURES = ['cpu', 'memory', 'io']

/** The readers throw JobslotError `ERR_JOBSLOT_POOL_MESSAGE` for what is no such message. */

/** Of any version: only what all of them have is looked at before the version is. */
export function readProtocol(message: unknown): number {
  return check('hello', object('hello', message).protocol, isCount)
}

export function readHello(message: unknown): Hello {
  const { protocol, pid, slots } = object('hello', message)
  return {
    protocol: check('hello', protocol, isCount),
    pid: check('hello', pid, isId),
    slots: check('hello', slots, orNull(isSlots)),
  }
}

export function readJoin(message: unknown): JoinMessage {
  const of = object('join', message)
  const read = <T>(name: keyof JoinMessage, is: (value: unknown) => value is T) => check('join', of[name], is, name)
  const request = {
    key: read('key', isId),
    kind: read('kind', isKind),
    label: read('label', orNull(isText)),
    min: read('min', isSlots),
    max: read('max', isSlots),
    draws: read('draws', isBoolean),
    limit: read('limit', orNull(isSlots)),
    priority: read('priority', isNumber),
    weight: read('weight', isPositive),
    since: read('since', isCount),
  }
  if (request.min > request.max) throw noMessage('join', 'min')
  return { ...request, label: request.label === null ? null : shortLabel(request.label) }
}

export function readId(method: string, message: unknown): number {
  return check(method, object(method, message).id, isId)
}

export function readKey(method: string, message: unknown): number {
  return check(method, object(method, message).key, isId)
}

export function readStarted(message: unknown): { id: number; command: MemberCommand } {
  const { pid, startTime } = object('started', object('started', message).command)
  return {
    id: readId('started', message),
    command: { pid: check('started', pid, isId), startTime: check('started', startTime, isTicks) },
  }
}

export function readLeave(message: unknown): { id: number; signaled: boolean } {
  return { id: readId('leave', message), signaled: check('leave', object('leave', message).signaled, isBoolean) }
}

export function readSlots(message: unknown): number {
  return check('resize', object('resize', message).slots, isSlots)
}

export function readLimits(message: unknown): GovernorLimits {
  return check('govern', object('govern', message).limits, isLimits)
}

export const isSlots = (value: unknown): value is number => isCount(value) && value <= MOST_SLOTS

export function isLimits(value: unknown): value is GovernorLimits {
  return isOf(LIMITS, value, (limit, name) => isPositive(limit) || (name === 'maxPressure' && isPressure(limit)))
}

const isPressure = (value: unknown) => isOf(PRESSURES, value, isPositive)

/** An object with none but these names. */
function isOf(names: readonly string[], value: unknown, is: (value: unknown, name: string) => boolean): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).every(
    ([name, inner]) => names.includes(name) && (inner === undefined || is(inner, name)),
  )
}

/** As much of it as there is room for. */
export function shortLabel(label: string): string {
  const characters = [...label]
  const bytes = (length: number) => Buffer.byteLength(JSON.stringify(characters.slice(0, length).join('')))
  let length = Math.min(characters.length, LONGEST_LABEL)
  while (bytes(length) > LONGEST_LABEL) length--
  return characters.slice(0, length).join('')
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isId = (value: unknown): value is number => isCount(value) && value > 0
const isNumber = (value: unknown): value is number => Number.isFinite(value)
const isPositive = (value: unknown): value is number => isNumber(value) && value > 0
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean'
const isText = (value: unknown): value is string => typeof value === 'string'
const isTicks = (value: unknown): value is string => isText(value) && /^\d{1,20}$/.test(value)
const isKind = (value: unknown): value is MemberKind => KINDS.some((kind) => kind === value)
const orNull =
  <T>(is: (value: unknown) => value is T) =>
  (value: unknown): value is T | null =>
    value === null || is(value)

function object(method: string, message: unknown): Record<string, unknown> {
  if (typeof message === 'object' && message !== null) return message as Record<string, unknown>
  throw noMessage(method)
}

function check<T>(method: string, value: unknown, is: (value: unknown) => value is T, name?: string): T {
  if (is(value)) return value
  throw noMessage(method, name)
}

function noMessage(method: string, name?: string): JobslotError {
  const which = name === undefined ? '' : `: ${name} is wrong`
  return new JobslotError(
    'ERR_JOBSLOT_POOL_MESSAGE',
    `a pool's broker was sent a "${method}" that is none${which}: speak to it through jobslot`,
  )
}
