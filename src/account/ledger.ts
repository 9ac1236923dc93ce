import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { JobslotError } from '../errors.ts'
import { stateDirError } from '../state-dir.ts'
import type { LedgerRecord } from './ledger-record.ts'
import {
  GRANTED_BYTES,
  headerOf,
  LEDGER_RECORD,
  MOST_GRANTED,
  memberOf,
  parsed,
  textOf,
  textOfMember,
} from './ledger-record.ts'

export type { LedgerRecord, MemberKind } from './ledger-record.ts'
export { LEDGER_RECORD } from './ledger-record.ts'

const FORMAT = 1
const PLACES = 1023
/** What a file is read for, be it ever so long. */
const MOST_PLACES = 65_535

/** A place in which something stands. */
export interface LedgerEntry {
  index: number
  granted: number
  /** Null where what stands there is damaged: somebody holds slots, and nobody knows who. */
  record: LedgerRecord | null
}

export interface LedgerOptions {
  pool: string
  /** How many members there is room for in a new one. */
  places?: number
}

/**
 * Who is a member of a pool, and how many tokens were granted to each, in a file that outlives a broker's death. Room
 * is taken for all of it when it is made: no full disk stops an account later. Records are written in one call each, so
 * that a kill never leaves half of one. Whoever opens it has made sure that nobody else does.
 */
export class Ledger {
  readonly places: number
  readonly path: string | null
  #fd: number | null

  private constructor(fd: number | null, places: number, path: string | null) {
    this.#fd = fd
    this.places = places
    this.path = path
  }

  /** For `Account`; null for one in memory. */
  get fd(): number | null {
    return this.#fd
  }

  /** For a pool that ends with its process. */
  static memory(places: number = PLACES): Ledger {
    return new Ledger(null, places, null)
  }

  /**
   * The pool's ledger, made where there is none, and anew where nobody stands in it or the machine was started since.
   *
   * @throws JobslotError `ERR_JOBSLOT_LEDGER` where members stand in it that cannot be taken over: it is damaged, of
   *   another pool, of another version of jobslot or of another PID namespace. `ERR_JOBSLOT_STATE_DIR` where it cannot
   *   be opened or made.
   */
  static open(path: string, { pool, places = PLACES }: LedgerOptions): Ledger {
    const here = { format: FORMAT, boot: bootId(), pidNamespace: pidNamespace(), pool }
    let fd: number | null = null
    try {
      fd = openIfThere(path)
      if (fd !== null) {
        const kept = placesOf(fd)
        const why = kept > 0 ? whyNot(fd, kept, here) : 'new'
        if (why === null) return new Ledger(fd, kept, path)
        closeSync(fd)
        fd = null
        if (why !== 'new') throw unusable(path, pool, why)
      }
      return new Ledger(create(path, here, places), places, path)
    } catch (error) {
      if (fd !== null) closeSync(fd)
      throw error instanceof JobslotError ? error : stateDirError(path, error)
    }
  }

  /** @throws JobslotError `ERR_JOBSLOT_LEDGER` where the record is too long, its label left out; a system error. */
  write(index: number, record: LedgerRecord): void {
    this.#check(index)
    const text = textOfMember(record)
    if (!text) {
      throw new JobslotError(
        'ERR_JOBSLOT_LEDGER',
        `a member's record has no room in a pool's ledger: use shorter names, not ${JSON.stringify(record.fifo)}`,
      )
    }
    if (this.fd !== null) writeSync(this.fd, text, 0, text.length, position(index) + GRANTED_BYTES)
  }

  /** Nobody is in the place, and nothing is granted there. */
  erase(index: number): void {
    this.#check(index)
    if (this.fd !== null) writeSync(this.fd, Buffer.alloc(LEDGER_RECORD), 0, LEDGER_RECORD, position(index))
  }

  /** What stands in it: after `open`, what an earlier broker left. */
  records(): LedgerEntry[] {
    if (this.fd === null) return []
    return entriesOf(this.fd, this.places)
  }

  /** The file stays. Does nothing the second time. */
  close(): void {
    if (this.#fd !== null) closeSync(this.#fd)
    this.#fd = null
  }

  #check(index: number): void {
    if (Number.isInteger(index) && index >= 0 && index < this.places) return
    throw new RangeError(`a ledger of ${this.places} places has no place ${index}`)
  }
}

/** Looked at in one go: most places are empty. */
const EMPTY = Buffer.alloc(LEDGER_RECORD)

function position(index: number): number {
  return (index + 1) * LEDGER_RECORD
}

/** The places of a file; 0 for one that was not even begun. */
function placesOf(fd: number): number {
  return Math.min(MOST_PLACES, Math.max(0, Math.floor(fstatSync(fd).size / LEDGER_RECORD) - 1))
}

function openIfThere(path: string): number | null {
  try {
    const fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    if (fstatSync(fd).isFile()) return fd
    closeSync(fd)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  throw new Error('it is no file')
}

function entriesOf(fd: number, places: number): LedgerEntry[] {
  const bytes = Buffer.alloc(places * LEDGER_RECORD)
  const length = readSync(fd, bytes, 0, bytes.length, position(0))
  const entries: LedgerEntry[] = []
  for (let index = 0; (index + 1) * LEDGER_RECORD <= length; index++) {
    const record = bytes.subarray(index * LEDGER_RECORD, (index + 1) * LEDGER_RECORD)
    if (record.equals(EMPTY)) continue
    const granted = record.readInt32LE(0)
    const value = parsed(record.subarray(GRANTED_BYTES))
    const possible = granted >= 0 && granted <= MOST_GRANTED
    entries.push({ index, granted: possible ? granted : 0, record: possible ? memberOf(value) : null })
  }
  return entries
}

/** 'new': make another in its place. Null: it can be used. Else why it can be neither. */
function whyNot(fd: number, places: number, here: NonNullable<ReturnType<typeof headerOf>>): string | null {
  const first = Buffer.alloc(LEDGER_RECORD)
  readSync(fd, first, 0, first.length, 0)
  const found = headerOf(parsed(first.subarray(GRANTED_BYTES)))
  // Whatever its version, zeros are places in which nobody is.
  const empty = entriesOf(fd, places).length === 0
  if (found && found.boot !== here.boot) return 'new'
  if (empty) return found?.format === here.format && sameOwner(found, here) ? null : 'new'
  if (!found) return 'its first record is damaged'
  if (found.format !== here.format) return `it was written by another version of jobslot (format ${found.format})`
  if (found.pidNamespace !== here.pidNamespace)
    return 'it is of another PID namespace, whose processes cannot be seen from here'
  return found.pool === here.pool ? null : `it is the ledger of pool ${JSON.stringify(found.pool)}`
}

function sameOwner(
  found: { pidNamespace: string; pool: string },
  here: { pidNamespace: string; pool: string },
): boolean {
  return found.pidNamespace === here.pidNamespace && found.pool === here.pool
}

/** Renamed into place: nobody ever sees a part of one. */
function create(path: string, header: object, places: number): number {
  const first = textOf(header)
  if (!first) throw new Error('its name is too long for a ledger')
  const bytes = Buffer.alloc((places + 1) * LEDGER_RECORD)
  first.copy(bytes, GRANTED_BYTES)
  const fresh = `${path}.new`
  const fd = openSync(fresh, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW, 0o600)
  try {
    // Every block, zeros too: the addon writes through memory, where a full disk would be a signal.
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
    renameSync(fresh, path)
    return fd
  } catch (error) {
    closeSync(fd)
    unlinkSync(fresh)
    throw error
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}

function unusable(path: string, pool: string, why: string): JobslotError {
  return new JobslotError(
    'ERR_JOBSLOT_LEDGER',
    `the account of pool ${JSON.stringify(pool)} cannot be taken over: ${why}; when none of the pool's commands runs any ` +
      `more, remove ${path}`,
  )
}
