import { setTimeout as sleep } from 'node:timers/promises'
import { LOCK_ABANDONED, LOCK_BUSY, LOCK_HELD, LOCK_SOON, LOCK_STALE } from '../native/binding.ts'
import { native } from '../native/load.ts'
import { ECANCELED, systemError } from '../native/system-error.ts'
import { waitFor } from '../native/waits.ts'
import type { Handle } from './handle.ts'
import { closeHandle, keepHandle, lockError, takeHandle } from './handle.ts'
import type { LockPlace } from './place.ts'

const MOST_TRIES = 1000
const LONGEST_PAUSE_MS = 50
/** One who was stopped just between giving the lock back and telling so is found out then. */
const LONGEST_WAIT_MS = 2000

const NEVER = new Int32Array(new SharedArrayBuffer(4))

/** The lock, if it is free and nobody waits for it. @throws JobslotError as `lockError` says */
export function tryHold(place: LockPlace, shared: boolean, label: string | undefined): Handle | null {
  for (let tries = 0, soon = 0; tries < MOST_TRIES; tries++) {
    const handle = takeHandle(place, label)
    const outcome = tryHandle(handle, shared)
    if (outcome === LOCK_HELD) return handle
    if (outcome === LOCK_BUSY || outcome === LOCK_SOON) {
      keepHandle(handle)
      if (outcome === LOCK_BUSY || ++soon > LONGEST_PAUSE_MS) return null
      // Whoever removes the file, for nobody has the lock, does so in some microseconds, if he is let run.
      Atomics.wait(NEVER, 0, 0, 1)
      continue
    }
    closeHandle(handle)
    // The file was removed and is another now.
    if (outcome !== LOCK_STALE) throw lockError(outcome, place.path)
  }
  return null
}

/** LOCK_HELD also where one was told of, who died. */
function tryHandle(handle: Handle, shared: boolean): number {
  const outcome = native().tryLock(handle.number, shared)
  handle.untold = outcome === LOCK_ABANDONED
  return handle.untold ? LOCK_HELD : outcome
}

/**
 * Waits for the lock in order of arrival. Null after the deadline, a time of `performance.now()`.
 *
 * @throws the signal's reason; JobslotError as `lockError` says. Then nothing is held.
 */
export async function hold(
  place: LockPlace,
  shared: boolean,
  label: string | undefined,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<Handle | null> {
  signal?.throwIfAborted()
  const held = tryHold(place, shared, label)
  if (held) return held
  let handle: Handle | null = null
  let pause = 1
  try {
    while (performance.now() < deadline) {
      handle ??= enqueue(place, shared, label)
      const outcome = handle ? await turn(handle, deadline, signal) : LOCK_SOON
      if (handle && outcome === LOCK_HELD) {
        const candidate: Handle = handle
        handle = null
        const result = tryHandle(candidate, shared)
        if (result === LOCK_HELD) return candidate
        if (result === LOCK_BUSY) handle = candidate
        else closeHandle(candidate)
        if (result < 0) throw lockError(result, place.path)
      }
      if (outcome === LOCK_SOON) {
        await sleep(Math.min(pause, Math.max(0, deadline - performance.now())))
        signal?.throwIfAborted()
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
      } else {
        pause = 1
      }
    }
    return null
  } finally {
    if (handle) {
      native().leaveLock(handle.number)
      keepHandle(handle)
    }
  }
}

/** A place in the line; null where someone is just removing the file. */
function enqueue(place: LockPlace, shared: boolean, label: string | undefined): Handle | null {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const handle = takeHandle(place, label)
    const outcome = native().enqueueLock(handle.number, shared)
    if (outcome === 0) return handle
    closeHandle(handle)
    if (outcome === LOCK_SOON) return null
    if (outcome !== LOCK_STALE) throw lockError(outcome, place.path)
  }
  return null
}

/** Waits until whoever is in the way leaves, dies or lets the lock go. LOCK_HELD: nobody is. LOCK_SOON: ask again. */
async function turn(handle: Handle, deadline: number, signal: AbortSignal | undefined): Promise<number> {
  let answer = 0
  try {
    const end = await waitFor(
      (binding, id) => {
        answer = binding.waitLock(
          id,
          handle.number,
          Math.max(0, Math.min(deadline - performance.now(), LONGEST_WAIT_MS)),
        )
        // No wait has begun: not an error, but nothing to wait for either.
        return answer > 0 ? -ECANCELED : answer
      },
      'lock',
      signal,
    )
    if (end.status === 'failed') throw systemError(end.errno, 'lock', handle.path)
    return LOCK_BUSY
  } catch (error) {
    if (answer > 0) return answer
    if (answer < 0) throw lockError(answer, handle.path)
    throw error
  }
}
