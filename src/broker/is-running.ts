import { closeSync, constants, existsSync, openSync } from 'node:fs'
import { native } from '../native/load.ts'
import { lockOf, sharedPlace } from '../worker/place.ts'
import { ledgerOf, type PoolPlace } from './place.ts'

/**
 * Whether a pool has a broker, or members for which one would have to be started: else its settings say all.
 *
 * @throws JobslotError `ERR_JOBSLOT_NO_ADDON`
 */
export function isRunning(place: PoolPlace): boolean {
  return existsSync(ledgerOf(place)) || hasBroker(place)
}

/** A broker has its lock from its first to its last moment. */
function hasBroker(place: PoolPlace): boolean {
  // First: where there is no addon there are no pools, and that is the answer.
  const binding = native()
  let fd: number
  try {
    fd = openSync(lockOf(sharedPlace(place.worker)), constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch {
    return false
  }
  try {
    return binding.isLocked(fd, 0, true) === 1
  } finally {
    closeSync(fd)
  }
}
