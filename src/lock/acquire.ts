import { JobslotError } from '../errors.ts'
import { timeoutOf } from '../native/waits.ts'
import { checkOptions } from '../options.ts'
import { type Handle, releaseHandle } from './handle.ts'
import { Lock } from './lock.ts'
import { type LockPlace, placeOfFile, placeOfName } from './place.ts'
import { hold, tryHold } from './wait.ts'

/** How a lock is held. */
export interface TryLockFileOptions {
  /** Others that say the same may hold it at the same time. Default false: nobody else may. */
  shared?: boolean | undefined
  /** What `locks` and whoever comes after a crash are told of the holder, up to some 100 characters. */
  label?: string | undefined
}

/** How a lock is held, and how long to wait for it. */
export interface LockFileOptions extends TryLockFileOptions {
  /** Milliseconds; 0 asks and does not wait; left out, it waits for ever. */
  timeout?: number | undefined
  /** Ends the wait; the promise rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

/** How a lock is held, and where its file lies. */
export interface TryLockOptions extends TryLockFileOptions {
  /**
   * The folder of the lock's file, for users who share one: its files get the folder's permission bits. Left out, the
   * lock is this user's on this host. A path; it must exist.
   */
  dir?: string | undefined
}

/** How a lock is held, where its file lies, and how long to wait for it. */
export interface LockOptions extends LockFileOptions, TryLockOptions {}

const ANY = ['shared', 'label']
const WAITING = ['timeout', 'signal']

/**
 * Waits for the lock of this name (any string), or for all of several: then none is held until all are, and they are
 * taken in one order everywhere, so that two who want the same do not wait for each other. Who came first is served
 * first, processes and callers alike; the kernel frees the lock when this process ends. The wait ends by the lock, the
 * timeout or the signal.
 *
 * @throws JobslotError `ERR_JOBSLOT_TIMEOUT`; the signal's reason; `ERR_JOBSLOT_LOCK_FOLDER`, `ERR_JOBSLOT_STATE_DIR`,
 * `ERR_JOBSLOT_LOCK_FILE` where it cannot be locked at all
 *
 * @example
 * ```js
 * import { lock } from 'jobslot/lock'
 *
 * const held = await lock('deploy', { timeout: 5000, label: 'the example' })
 * try {
 *   console.log('nobody else deploys', held.abandonedBy)
 * } finally {
 *   held.release()
 * }
 * ```
 */
export async function lock(name: string | readonly string[], options: LockOptions = {}): Promise<Lock> {
  checkOptions('lock', options, [...ANY, ...WAITING, 'dir'])
  return waitForAll(placesOf(name, options.dir), options)
}

/**
 * The lock, or all of several, or null: never waits, and never passes those who do.
 *
 * @throws JobslotError `ERR_JOBSLOT_LOCK_FOLDER`, `ERR_JOBSLOT_STATE_DIR`, `ERR_JOBSLOT_LOCK_FILE` where it cannot be locked
 * at all
 */
export function tryLock(name: string | readonly string[], options: TryLockOptions = {}): Lock | null {
  checkOptions('tryLock', options, [...ANY, 'dir'])
  return tryAll(placesOf(name, options.dir), options)
}

/**
 * As `lock`, by a file of one's own choice. `path` is the lock's file and must hold nothing else: it is made where it
 * does not exist, and removed when nobody needs it.
 *
 * @throws as `lock`
 */
export async function lockFile(path: string, options: LockFileOptions = {}): Promise<Lock> {
  checkOptions('lockFile', options, [...ANY, ...WAITING])
  return waitForAll([placeOfFile(path)], options)
}

/** As `tryLock`, by a file: see `lockFile`. @throws as `tryLock` */
export function tryLockFile(path: string, options: TryLockFileOptions = {}): Lock | null {
  checkOptions('tryLockFile', options, ANY)
  return tryAll([placeOfFile(path)], options)
}

/** In one order, each once. */
function placesOf(name: string | readonly string[], dir: string | undefined): LockPlace[] {
  if (typeof name === 'string') return [placeOfName(name, dir)]
  if (!Array.isArray(name) || name.length === 0) throw new TypeError('lock takes a name, or an array of names')
  const places = new Map<string, LockPlace>()
  for (const one of name) {
    const place = placeOfName(one, dir)
    places.set(place.path, place)
  }
  return [...places.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

function tryAll(places: readonly LockPlace[], { shared = false, label }: TryLockOptions): Lock | null {
  if (places.length === 1) {
    const [place] = places as [LockPlace]
    const handle = tryHold(place, shared, label)
    return handle && new Lock([place.name], [handle])
  }
  const held: Handle[] = []
  try {
    for (const place of places) {
      const handle = tryHold(place, shared, label)
      if (!handle) return null
      held.push(handle)
    }
    return new Lock(places.map(nameOf), held.splice(0))
  } finally {
    for (const handle of held) releaseHandle(handle)
  }
}

async function waitForAll(places: readonly LockPlace[], options: LockOptions): Promise<Lock> {
  const { shared = false, label, signal } = options
  const timeout = timeoutOf(options.timeout)
  const deadline = timeout < 0 ? Number.POSITIVE_INFINITY : performance.now() + timeout
  const held: Handle[] = []
  try {
    for (const place of places) {
      const handle = await hold(place, shared, label, deadline, signal)
      if (!handle) throw new JobslotError('ERR_JOBSLOT_TIMEOUT', `no lock ${place.name} within ${timeout} ms`)
      held.push(handle)
    }
    return new Lock(places.map(nameOf), held.splice(0))
  } finally {
    for (const handle of held) releaseHandle(handle)
  }
}

function nameOf(place: LockPlace): string {
  return place.name
}
