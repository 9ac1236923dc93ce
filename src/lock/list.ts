import { closeSync, constants, type Dirent, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { nameOfFile } from '../names.ts'
import { LOCK_BYTE, LOCK_RECORD_SIZE } from '../native/binding.ts'
import { native } from '../native/load.ts'
import { lockFolder, lockFolderError } from './place.ts'
import type { LockParty, LockRecord } from './record.ts'
import { parseRecords, partyOf, whoAmI } from './record.ts'

/** A lock that somebody holds, waits for, or died holding. */
export interface LockState {
  /** The lock's name; of a very long one, its file's name. */
  name: string
  /** Who holds it: one, or several who share it. */
  holders: LockParty[]
  /** Who came first stands first. */
  waiters: LockParty[]
  /** Dead processes that held it, of whom the next holder has not been told yet. */
  abandoned: LockParty[]
}

/**
 * All locks of this user, or of a folder, by name. What a killed process left of a free lock is removed.
 *
 * @param options `dir`: the folder that was given to `lock`
 * @throws JobslotError `ERR_JOBSLOT_LOCK_FOLDER`, `ERR_JOBSLOT_STATE_DIR`
 */
export function locks(options: { dir?: string | undefined } = {}): LockState[] {
  const folder = options.dir === undefined ? lockFolder() : resolve(options.dir)
  let entries: Dirent[]
  try {
    entries = readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw lockFolderError(folder, code === 'ENOENT' ? 'there is no such folder' : String(code), error)
  }
  const states: LockState[] = []
  // A FIFO of somebody else's is not even opened: that wakes whoever waits at its other end.
  const files = entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
  for (const fileName of files.sort()) {
    const path = join(folder, fileName)
    const state = stateOf(path, nameOfFile(fileName))
    if (!state) continue
    if (state.holders.length + state.waiters.length + state.abandoned.length > 0) states.push(state)
    else removeIfFree(path)
  }
  return states
}

/** A lock that was free when a process was killed that kept its file for the next time. */
function removeIfFree(path: string): void {
  const handle = native().openLock(path, 0o600, -1, -1, whoAmI(undefined))
  if (handle >= 0) native().closeLock(handle)
}

/** Null for what is no lock's file, or is gone. */
function stateOf(path: string, name: string): LockState | null {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  } catch {
    return null
  }
  try {
    if (!isLockFile(fd)) return null
    const lives = (slot: number) =>
      // The exclusive holder's record is the first, and whoever shares the lock excludes no reader.
      slot === 0 ? native().isLocked(fd, LOCK_BYTE, false) === 1 : native().isLocked(fd, slot, true) === 1
    return sortOut(name, recordsOf(contentOf(fd)), lives)
  } finally {
    closeSync(fd)
  }
}

const OPENING = '{'.charCodeAt(0)

/** A file may be of any length: of a longer one no lock is told. */
const MOST_BYTES = 1 << 24

function contentOf(fd: number): Buffer {
  const content = Buffer.allocUnsafe(Math.min(MOST_BYTES, fstatSync(fd).size))
  return content.subarray(0, readSync(fd, content, 0, content.length, 0))
}

/** Of a lock's file: what is damaged there tells of nobody, and hides nobody. */
function recordsOf(content: Buffer): (LockRecord | null)[] {
  return Array.from({ length: Math.floor(content.length / LOCK_RECORD_SIZE) }, (_, slot) => {
    const begin = slot * LOCK_RECORD_SIZE
    // As the addon has it, which would make no room for one that begins further on.
    if (content[begin] !== OPENING) return null
    return parseRecords(content.subarray(begin, begin + LOCK_RECORD_SIZE))?.[0] ?? null
  })
}

/**
 * Told by its first record, or by its last where the first was never written: what else lies in the folder may be long.
 * One that is empty may be anything.
 */
function isLockFile(fd: number): boolean {
  const status = fstatSync(fd)
  const count = Math.floor(status.size / LOCK_RECORD_SIZE)
  return status.isFile() && [0, count - 1].some((index) => count > 0 && isRecord(fd, index))
}

function isRecord(fd: number, index: number): boolean {
  const record = Buffer.alloc(LOCK_RECORD_SIZE)
  readSync(fd, record, 0, LOCK_RECORD_SIZE, index * LOCK_RECORD_SIZE)
  return record.at(-1) === 0x0a && parseRecords(record) !== null
}

/** Pure. */
export function sortOut(
  name: string,
  records: readonly (LockRecord | null)[],
  lives: (slot: number) => boolean,
): LockState {
  const state: LockState = { name, holders: [], waiters: [], abandoned: [] }
  records.forEach((record, slot) => {
    if (!record) return
    const alive = lives(slot)
    if (record.waiting && !alive) return
    const list = record.waiting ? state.waiters : alive ? state.holders : state.abandoned
    list.push(partyOf(record))
  })
  for (const list of [state.holders, state.waiters, state.abandoned]) list.sort((a, b) => a.since - b.since)
  return state
}
