import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { LOCK_BYTE } from '../native/binding.ts'
import { native } from '../native/load.ts'
import { nameOfFile } from './names.ts'
import { lockFolder, lockFolderError } from './place.ts'
import type { LockParty, LockRecord } from './record.ts'
import { parseRecords, partyOf, whoAmI } from './record.ts'

/** A lock that somebody holds, waits for, or died holding. */
export interface LockState {
  name: string
  holders: LockParty[]
  /** Who came first stands first. */
  waiters: LockParty[]
  /** Dead processes that held it, of whom the next holder has not been told yet. */
  abandoned: LockParty[]
}

/**
 * All locks of this user, or of a folder, by name. What a killed process left of a free lock is removed.
 *
 * @throws JobslotError `ERR_JOBSLOT_LOCK_FOLDER`, `ERR_JOBSLOT_STATE_DIR`
 */
export function locks(options: { dir?: string | undefined } = {}): LockState[] {
  const folder = options.dir === undefined ? lockFolder() : resolve(options.dir)
  let names: string[]
  try {
    names = readdirSync(folder)
  } catch (error) {
    throw lockFolderError(folder, (error as NodeJS.ErrnoException).code ?? String(error), error)
  }
  const states: LockState[] = []
  for (const fileName of names.sort()) {
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
    if (!fstatSync(fd).isFile()) return null
    const lives = (slot: number) =>
      // The exclusive holder's record is the first, and whoever shares the lock excludes no reader.
      slot === 0 ? native().isLocked(fd, LOCK_BYTE, false) === 1 : native().isLocked(fd, slot, true) === 1
    const records = parseRecords(readFileSync(fd))
    return records && sortOut(name, records, lives)
  } finally {
    closeSync(fd)
  }
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
