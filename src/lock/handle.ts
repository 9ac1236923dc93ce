import { dirname } from 'node:path'
import { JobslotError } from '../errors.ts'
import { LOCK_FOREIGN, LOCK_REMOTE } from '../native/binding.ts'
import { native } from '../native/load.ts'
import { ENOENT, systemError } from '../native/system-error.ts'
import { isFull } from '../state-dir.ts'
import { type LockPlace, lockFolderError, makeFolderOf } from './place.ts'
import { whoAmI } from './record.ts'

/** An open lock file: one party to its lock. */
export interface Handle {
  /** The addon's, which closes it at the end of its thread. */
  readonly number: number
  readonly path: string
  readonly label: string | undefined
  /** It holds the lock, and nobody was told yet who died holding it before. */
  untold: boolean
  /** A child has a copy of its descriptors. */
  inherited: boolean
  /** It was used since the last sweep. */
  fresh: boolean
}

/**
 * Handles of locks that are free. To open a file, to make its FIFO and to remove both takes twenty times as long as
 * locking it, so a handle is kept for a second or two for the next who wants the same lock.
 */
const idle = new Map<string, Handle[]>()
let idleCount = 0
const MOST_IDLE = 64
const SWEEP_MS = 1000

let sweeper: NodeJS.Timeout | undefined
let atExit = false
let ending = false

/** @throws JobslotError `ERR_JOBSLOT_LOCK_FILE`, `ERR_JOBSLOT_LOCK_FOLDER` */
export function takeHandle(place: LockPlace, label: string | undefined): Handle {
  const list = idle.get(place.path)
  if (list !== undefined) {
    for (let i = list.length - 1; i >= 0; i--) {
      const handle = list[i]!
      if (handle.label !== label) continue
      if (i === list.length - 1) list.pop()
      else list.splice(i, 1)
      idleCount--
      return handle
    }
  }
  return { number: open(place, label), path: place.path, label, untold: false, inherited: false, fresh: true }
}

function open(place: LockPlace, label: string | undefined): number {
  closeAtExit()
  const { path, mode, uid, gid } = place
  const who = whoAmI(label)
  let number = native().openLock(path, mode, uid, gid, who)
  // A cleaner has removed the folder since we made it.
  if (number === -ENOENT && makeFolderOf(place)) number = native().openLock(path, mode, uid, gid, who)
  if (number < 0) throw lockError(number, path)
  return number
}

/** Keeps a handle that neither holds nor waits. */
export function keepHandle(handle: Handle): void {
  if (ending) {
    closeHandle(handle)
    return
  }
  handle.fresh = true
  const list = idle.get(handle.path)
  if (list) list.push(handle)
  else idle.set(handle.path, [handle])
  if (++idleCount > MOST_IDLE) closeIdle(idle.keys().next().value as string)
  sweeper ??= setInterval(sweep, SWEEP_MS).unref()
}

/** Asked for before there is anything to close: a listener that is added in another one comes too late. */
function closeAtExit(): void {
  if (atExit) return
  atExit = true
  process.on('exit', () => {
    ending = true
    closeAllIdle()
  })
}

/** At the end of the process: what a signal's end would leave behind. */
export function closeAllIdle(): void {
  for (const path of idle.keys()) closeIdle(path)
}

function sweep(): void {
  for (const [path, list] of idle) {
    if (list.some(({ fresh }) => fresh)) for (const handle of list) handle.fresh = false
    else closeIdle(path)
  }
  if (idle.size > 0) return
  clearInterval(sweeper)
  sweeper = undefined
}

/** Closes what is kept of a lock that nobody here uses. */
export function closeIdle(path: string): void {
  const list = idle.get(path)
  if (!list) return
  idle.delete(path)
  idleCount -= list.length
  for (const handle of list) closeHandle(handle)
}

/** Gives the lock back. The handle stays open for the next time. */
export function releaseHandle(handle: Handle): void {
  // What nobody was told goes to the next holder; what a child has a copy of must never hold for us again.
  if (handle.untold || handle.inherited) {
    closeHandle(handle)
    return
  }
  native().releaseLock(handle.number)
  keepHandle(handle)
}

/** Closes a handle, whatever it holds. The file is removed where nobody needs it. */
export function closeHandle(handle: Handle): void {
  native().closeLock(handle.number)
}

/** What a negative answer of the addon means. */
export function lockError(result: number, path: string): JobslotError {
  if (result === LOCK_FOREIGN) {
    return new JobslotError(
      'ERR_JOBSLOT_LOCK_FILE',
      `${path} holds something else than a lock: lock a file of its own, for instance ${path}.lock`,
    )
  }
  if (result === LOCK_REMOTE) {
    return lockFolderError(dirname(path), 'it is on a network file system, where a lock does not reach every host')
  }
  const cause = systemError(-result, 'lock', path)
  return lockFolderError(dirname(path), whyNot(cause.code ?? ''), cause)
}

function whyNot(code: string): string {
  if (code === 'EACCES' || code === 'EPERM') {
    return (
      `this user may not lock there, or not share its files with the folder's group (${code}): ` +
      'give the folder the rights, group and setgid bit that all its users need'
    )
  }
  if (isFull(code)) return `its disk is full (${code}): make room`
  if (code === 'ENOTSUP' || code === 'ENOSYS') return `this system has no locks by open file description (${code})`
  return code
}
