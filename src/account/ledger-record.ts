import { checksum } from './checksum.ts'

/** Bytes of a record: `src-native/core/account.h`. The first four are the addon's, the rest is text. */
export const LEDGER_RECORD = 1024
export const GRANTED_BYTES = 4
const TEXT_BYTES = LEDGER_RECORD - GRANTED_BYTES
const CHECKSUM_DIGITS = 8

/** No FIFO holds more. */
export const MOST_GRANTED = 65536

/** What stands of a member in the ledger: enough to go on with it when the broker was killed. */
export interface LedgerRecord {
  id: number
  kind: MemberKind
  /** The process that holds the membership; with its start time it is never another. */
  pid: number
  startTime: string
  /** The command that runs in it, as soon as it was told. */
  commandPid: number | null
  commandStart: string | null
  /** Slots without a token. */
  base: number
  /** The file's name in the pool's folder. */
  fifo: string | null
  label: string | null
  priority: number
  weight: number
  /** Most slots it may have, base included. */
  max: number | null
  /** Milliseconds since 1970. */
  since: number
  /** Slots held back for what is left of it after its end; null while it has not ended. */
  heldBack: number | null
}

export type MemberKind = 'run' | 'acquire' | 'job' | 'process'
const KINDS: readonly unknown[] = ['run', 'acquire', 'job', 'process']

/** The first record: whose ledger it is. */
export interface LedgerHeader {
  format: number
  boot: string
  pidNamespace: string
  pool: string
}

/** JSON behind its checksum, zeros up to the record's end; null where it does not fit. */
export function textOf(value: object): Buffer | null {
  const json = JSON.stringify(value)
  const text = Buffer.alloc(TEXT_BYTES)
  const bytes = Buffer.from(`${checksum(json)} ${json}`)
  if (bytes.length > TEXT_BYTES) return null
  bytes.copy(text)
  return text
}

/** The same, with as much of the label as fits. */
export function textOfMember(record: LedgerRecord): Buffer | null {
  const whole = textOf(record)
  if (whole || record.label === null) return whole
  const characters = Array.from(record.label.slice(0, TEXT_BYTES))
  let text: Buffer | null = null
  do {
    text = textOf({ ...record, label: `${characters.join('')}…` })
    // By halves: what a character takes in JSON differs.
  } while (!text && characters.splice(Math.floor(characters.length / 2)).length > 0)
  return text ?? textOf({ ...record, label: null })
}

/** The value in a record's text; null where nothing was ever written, undefined where it is damaged. */
export function parsed(text: Buffer): unknown {
  const end = text.indexOf(0)
  const written = text.toString('utf8', 0, end < 0 ? text.length : end)
  if (written === '') return text.every((byte) => byte === 0) ? null : undefined
  const json = written.slice(CHECKSUM_DIGITS + 1)
  if (written.slice(0, CHECKSUM_DIGITS + 1) !== `${checksum(json)} `) return undefined
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

/** Null for what is no member's record. */
export function memberOf(value: unknown): LedgerRecord | null {
  if (typeof value !== 'object' || value === null) return null
  const found = value as Record<keyof LedgerRecord, unknown>
  const {
    id,
    kind,
    pid,
    startTime,
    commandPid,
    commandStart,
    base,
    fifo,
    label,
    priority,
    weight,
    max,
    since,
    heldBack,
  } = found
  const sound =
    isCount(id) &&
    KINDS.includes(kind) &&
    isPid(pid) &&
    typeof startTime === 'string' &&
    (commandPid === null ? commandStart === null : isPid(commandPid) && typeof commandStart === 'string') &&
    isCount(base) &&
    (fifo === null || isFileName(fifo)) &&
    (label === null || typeof label === 'string') &&
    Number.isFinite(priority) &&
    Number.isFinite(weight) &&
    (weight as number) > 0 &&
    (max === null || isCount(max)) &&
    Number.isFinite(since) &&
    (heldBack === null || isCount(heldBack))
  if (!sound) return null
  return {
    id,
    kind,
    pid,
    startTime,
    commandPid,
    commandStart,
    base,
    fifo,
    label,
    priority,
    weight,
    max,
    since,
    heldBack,
  } as LedgerRecord
}

export function headerOf(value: unknown): LedgerHeader | null {
  if (typeof value !== 'object' || value === null) return null
  const { format, boot, pidNamespace, pool } = value as Record<keyof LedgerHeader, unknown>
  const sound =
    isCount(format) && typeof boot === 'string' && typeof pidNamespace === 'string' && typeof pool === 'string'
  return sound ? ({ format, boot, pidNamespace, pool } as LedgerHeader) : null
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** To the kernel 0 is who asks and all of its group, and what does not fit into 32 bits is some other process. */
function isPid(value: unknown): boolean {
  return isCount(value) && (value as number) > 0 && (value as number) < 2 ** 31
}

/** Nothing that leads out of the folder. */
function isFileName(value: unknown): boolean {
  return typeof value === 'string' && /^[^/\0]+$/.test(value) && value !== '.' && value !== '..'
}
