import { closeSync, constants, fstatSync, openSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileNameOf } from '../names.ts'
import { native } from '../native/load.ts'
import { checked, EAGAIN } from '../native/system-error.ts'
import { privateFolder, stateDir, stateDirError } from '../state-dir.ts'

/** Where a shared worker lies: `DIR/BASE.sock`, `.lock` and `.log`. */
export interface Place {
  dir: string
  base: string
}

const LONGEST_ADDRESS = 107
const LONGEST_NAME = 60
const LONGEST_WORD = 20

/** @throws JobslotError `ERR_JOBSLOT_STATE_DIR` where the folder is not the user's alone */
export function sharedPlace(name: string): Place {
  const dir = privateFolder(join(stateDir(), 'workers'), 'workers')
  return { dir, base: baseName(name) }
}

/** Any string is a name. That of a file is one as well, if it is not too long. Pure. */
export function baseName(name: string): string {
  const whole = fileNameOf(name)
  if (whole.length <= LONGEST_NAME) return whole
  // The word is for people who look into the folder; the point is in no whole name.
  return `${whole.slice(0, LONGEST_WORD)}.${hash(name)}`
}

/** Loaded where it is needed, which is hardly ever: it takes as long as all else that is done to join a worker. */
function hash(text: string): string {
  const { createHash } = process.getBuiltinModule('node:crypto')
  // As UTF-8 all lone surrogates are the same.
  return createHash('sha256').update(text, 'utf16le').digest('hex').slice(0, 16)
}

export const socketOf = ({ dir, base }: Place) => join(dir, `${base}.sock`)
export const logOf = ({ dir, base }: Place) => join(dir, `${base}.log`)
export const lockOf = ({ dir, base }: Place) => join(dir, `${base}.lock`)

/**
 * The socket's path in a form that fits into a socket's address, whatever the folder is called. It is good until
 * `release`.
 */
export function socketAddress(place: Place): { path: string; release(): void } {
  const path = socketOf(place)
  if (Buffer.byteLength(path) <= LONGEST_ADDRESS || process.platform !== 'linux') return { path, release: () => {} }
  const fd = openSync(place.dir, constants.O_RDONLY | constants.O_DIRECTORY)
  return { path: `/proc/self/fd/${fd}/${place.base}.sock`, release: () => closeSync(fd) }
}

/**
 * The lock that a shared worker holds for its whole life. Who starts one takes it, and hands the descriptor on: the lock
 * belongs to the open description, so there is no moment in which nobody has it, and the kernel frees it with the
 * worker. Null: somebody has it.
 */
export function takeLifeLock(place: Place): number | null {
  const path = lockOf(place)
  const binding = native()
  for (;;) {
    let fd: number
    try {
      fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
    } catch (error) {
      throw stateDirError(path, error)
    }
    const result = binding.lock(fd, 0, true)
    // It may have been removed since it was opened: then the lock on it is worth nothing.
    if (result === 0 && isAt(path, fd)) return fd
    closeSync(fd)
    if (result === -EAGAIN) return null
    checked(result, 'lock', path)
  }
}

/** Whether the file that `fd` is open on is still the one of that path. */
export function isAt(path: string, fd: number): boolean {
  const found = statSync(path, { throwIfNoEntry: false })
  const own = fstatSync(fd)
  return found?.ino === own.ino && found.dev === own.dev
}

/** What lies at a place, the lock last. Only for who holds that. */
export function removeFiles(place: Place, { log, lock }: { log: boolean; lock: boolean }): void {
  const files = [socketOf(place), ...(log ? [logOf(place)] : []), ...(lock ? [lockOf(place)] : [])]
  for (const file of files) {
    try {
      rmSync(file, { force: true, recursive: true })
    } catch {
      // It is not in the way, or the one who needs the place finds out and says so.
    }
  }
}

/** Removes what workers left, those that were killed and those that were not: of one place, or of all. */
export function sweep(dir: string, bases = basesIn(dir)): void {
  for (const base of bases) {
    const place = { dir, base }
    try {
      const lock = takeLifeLock(place)
      if (lock === null) continue
      removeFiles(place, { log: false, lock: true })
      closeSync(lock)
    } catch {
      // Whoever needs that place finds out and says so; or the folder is gone.
    }
  }
}

function basesIn(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => name.endsWith('.lock'))
    .map((name) => name.slice(0, -'.lock'.length))
}
