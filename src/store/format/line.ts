/** What a line of a journal says: docs/store-format.md. Files are not believed: every field is looked at. Pure. */
import { isDeeper, WRAPPED_DEPTH } from './depth.ts'

export interface Options {
  priority?: number
  runAt?: number
  attempts?: number
  losses?: number
  backoff?: [first: number, factor: number, most: number]
  after?: number[]
  key?: string
  ttl?: number
  timeout?: number
  retention?: number
}

export interface Value {
  value?: string
  base64?: string
  file?: string
  bytes?: number
  crc?: string
}

/** Why a job failed, or was cancelled: what is kept of an error. */
export interface JobError {
  /** The error's message, up to 64 Ki characters. */
  message: string
  /** The error's code, where it had one: the store's own begin with `ERR_JOBSLOT_`. */
  code?: string
  /** The error's stack, where it had one. */
  stack?: string
  /** Of a cancelled job: how many ms who runs it is to give it to end by itself. */
  grace?: number
}

interface Base {
  n: number
  t: number
}

export type Line = Base &
  (
    | ({ op: 'create'; request: unknown } & Options)
    | ({ op: 'update'; id: number; version: number; created: number; request: unknown } & Options)
    | { op: 'claim'; id: number; w: number; pid: number }
    | { op: 'notify'; id: number; w: number; pid: number }
    | { op: 'progress'; id: number; c: number; value: unknown }
    | ({ op: 'fulfill'; id: number; c?: number } & Value)
    | { op: 'fail'; id: number; c?: number; error: JobError; at?: number }
    | { op: 'release'; id: number; c: number; why: ReleaseReason; at?: number }
    | { op: 'cancel'; id: number; error: JobError }
    | { op: 'retry' | 'remove'; id: number }
    | { op: 'forget'; ids: [number, number][] }
    | { op: 'queue'; id: number; target: unknown }
    | { op: 'unqueue'; id: number; targets: unknown[] }
    | { op: 'notified'; id: number; c: number; served: unknown[]; at?: number }
    | { op: 'pause' | 'resume' }
    | { op: 'snapshot'; segment: number }
    | { op: 'seal'; from?: number }
  )

export type ReleaseReason = 'released' | 'killed' | 'lease'

/** A line without what every line has. */
export type Fact = Line extends infer L ? (L extends Line ? Omit<L, 'n' | 't'> : never) : never

/** A line of a snapshot. */
export interface JobLine extends Options, Value {
  id: number
  t: number
  state: string
  version?: number
  attempt?: number
  failures?: number
  lost?: number
  at?: number
  claim?: number
  w?: number
  pid?: number
  claimed?: number
  finished?: number
  error?: JobError
  progress?: unknown
  targets?: unknown[]
  notify?: { c: number; w: number; pid: number }
  notifyAt?: number
  tries?: number
  request?: unknown
}

/** Where a line lies: a number of `Files`, and its bytes there. */
export interface Place {
  file: number
  offset: number
  length: number
}

export interface SegmentHeader {
  n: number
  format: number
  segment: number
  from: number
}

/** Null for what is no line of this format. */
export function lineOf(json: string): Line | null {
  const line = objectOf(json)
  return line !== null && isWhole(line.n) && isWhole(line.t) && hasItsFields(line) ? (line as unknown as Line) : null
}

type Loose = Record<string, unknown>

function hasItsFields(line: Loose): boolean {
  switch (line.op) {
    case 'create':
      return 'request' in line && areOptions(line)
    case 'update':
      return isWhole(line.id) && isWhole(line.version) && isWhole(line.created) && 'request' in line && areOptions(line)
    case 'claim':
    case 'notify':
      return isWhole(line.id) && isWhole(line.w) && isWhole(line.pid)
    case 'progress':
      return isWhole(line.id) && isWhole(line.c) && 'value' in line
    case 'fulfill':
      return isWhole(line.id) && orNone(line.c, isWhole) && isValue(line)
    case 'fail':
      return isWhole(line.id) && orNone(line.c, isWhole) && isError(line.error) && orNone(line.at, isWhole)
    case 'release':
      return isWhole(line.id) && isWhole(line.c) && typeof line.why === 'string' && orNone(line.at, isWhole)
    case 'cancel':
      return isWhole(line.id) && isError(line.error)
    case 'retry':
    case 'remove':
      return isWhole(line.id)
    case 'forget':
      return Array.isArray(line.ids) && line.ids.every((pair) => isWholes(pair) && pair.length === 2)
    case 'queue':
      return isWhole(line.id) && 'target' in line
    case 'unqueue':
      return isWhole(line.id) && Array.isArray(line.targets)
    case 'notified':
      return isWhole(line.id) && isWhole(line.c) && Array.isArray(line.served) && orNone(line.at, isWhole)
    case 'pause':
    case 'resume':
      return true
    case 'snapshot':
      return isWhole(line.segment)
    case 'seal':
      return orNone(line.from, isWhole)
    default:
      return false
  }
}

export function areOptions(line: Loose): boolean {
  return (
    orNone(line.priority, Number.isSafeInteger) &&
    orNone(line.runAt, isWhole) &&
    orNone(line.attempts, isWhole) &&
    orNone(line.losses, isWhole) &&
    orNone(
      line.backoff,
      (backoff) => Array.isArray(backoff) && backoff.length === 3 && backoff.every(Number.isFinite),
    ) &&
    orNone(line.after, isWholes) &&
    orNone(line.key, (key) => typeof key === 'string') &&
    orNone(line.ttl, isWhole) &&
    orNone(line.timeout, isWhole) &&
    orNone(line.retention, isWhole)
  )
}

export function isValue(line: Loose): boolean {
  if (line.file === undefined) return typeof line.value === 'string' || typeof line.base64 === 'string'
  return (
    typeof line.file === 'string' &&
    /^value-\d{1,16}-\d{1,16}$/.test(line.file) &&
    isWhole(line.bytes) &&
    typeof line.crc === 'string'
  )
}

export const isError = (error: unknown): error is JobError =>
  typeof error === 'object' &&
  error !== null &&
  typeof (error as Loose).message === 'string' &&
  orNone((error as Loose).grace, isWhole)

/** Null for what is no header, of whatever format. */
export function headerOf(json: string): SegmentHeader | null {
  const line = objectOf(json)
  const fits = line && isWhole(line.n) && isWhole(line.format) && isWhole(line.segment) && isWhole(line.from)
  return fits ? (line as unknown as SegmentHeader) : null
}

export function objectOf(json: string): Loose | null {
  if (isDeeper(json, WRAPPED_DEPTH)) return null
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? (value as Loose) : null
  } catch {
    return null
  }
}

export const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

export const isWholes = (value: unknown): value is number[] => Array.isArray(value) && value.every(isWhole)

const orNone = (value: unknown, is: (value: unknown) => boolean): boolean => value === undefined || is(value)
