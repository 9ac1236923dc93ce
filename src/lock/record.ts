import { LOCK_RECORD_SIZE } from '../native/binding.ts'
import { ownPid, readProcess } from '../proc.ts'

/** Who holds a lock, waits for it, or died holding it. */
export interface LockParty {
  /** The process's number, as that process saw it. */
  pid: number
  /** What it called itself; null where it did not. */
  label: string | null
  /** When it took the lock, or came to wait: milliseconds since 1970. */
  since: number
  /** Whether it shares the lock. */
  shared: boolean
}

/** A record of a lock file, as far as it can be read. */
export interface LockRecord extends LockParty {
  waiting: boolean
}

const WHO_BYTES = 180

let own: string | undefined

/** This process's part of a record: the inside of a JSON object. A label that is too long for it is cut. */
export function whoAmI(label: string | undefined): string {
  // The start time tells the process from a later one of the same number; for people, for the kernel knows who lives.
  own ??= `"pid":${process.pid},"start":"${readProcess(ownPid())?.startTime ?? ''}"`
  if (label === undefined) return own
  const who = (text: string) => `${own},"label":${JSON.stringify(text)}`
  if (Buffer.byteLength(who(label)) <= WHO_BYTES) return who(label)
  const characters = Array.from(label.slice(0, WHO_BYTES))
  while (Buffer.byteLength(who(`${characters.join('')}…`)) > WHO_BYTES) characters.pop()
  return who(`${characters.join('')}…`)
}

/** All records of a lock file by their slots, null where there is none; null for what is no lock file. Pure. */
export function parseRecords(content: Buffer): (LockRecord | null)[] | null {
  const records: (LockRecord | null)[] = []
  // A last one that is cut off is none.
  for (let at = 0; at + LOCK_RECORD_SIZE <= content.length; at += LOCK_RECORD_SIZE) {
    // A record that was never written is zeros.
    const text = content.toString('utf8', at, at + LOCK_RECORD_SIZE).replace(/^[\s\0]+|[\s\0]+$/g, '')
    if (text !== '' && !text.startsWith('{"slot":')) return null
    records.push(text === '' ? null : parseRecord(text))
  }
  return records
}

/** Files may hold anything: what is no record is one of an unknown process. Pure. */
export function parseRecord(text: string): LockRecord {
  let found: Record<string, unknown> = {}
  try {
    found = Object(JSON.parse(text)) as Record<string, unknown>
  } catch {
    // Cut off, or damaged.
  }
  const { pid, label, since, shared, waiting } = found
  return {
    pid: Number.isSafeInteger(pid) ? (pid as number) : 0,
    label: typeof label === 'string' ? label : null,
    since: Number.isSafeInteger(since) ? (since as number) : 0,
    shared: shared === true,
    waiting: waiting === true,
  }
}

export function partyOf({ pid, label, since, shared }: LockRecord): LockParty {
  return { pid, label, since, shared }
}
