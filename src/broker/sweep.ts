import { closeSync, existsSync, rmSync } from 'node:fs'
import { removeFiles, sharedPlace, sweep, takeLifeLock } from '../worker/place.ts'
import { removeFolder } from './folder.ts'
import { isInUse } from './in-use.ts'
import { allPools, type PoolPlace } from './place.ts'

/**
 * Removes what killed brokers have left of pools in which nothing lives any more. What a pool is set to stays. Never
 * throws: whoever needs such a folder finds out and says so.
 */
export function sweepPools({ except }: { except?: PoolPlace } = {}): void {
  try {
    for (const place of allPools()) if (place.mark !== except?.mark) sweepPool(place)
    // The locks of those that ended by themselves.
    sweep(sharedPlace('').dir)
  } catch {
    // The folder of pools cannot be read.
  }
}

/** Forgets a pool that nobody uses, and what it is set to. False: somebody uses it. */
export function removePool(place: PoolPlace): boolean {
  return withoutBroker(place, () => {
    removeFolder(place)
    rmSync(place.settings, { force: true })
  })
}

function sweepPool(place: PoolPlace): void {
  if (existsSync(place.dir)) withoutBroker(place, () => removeFolder(place))
}

/** Does something to a pool in which nothing lives. False: something does. */
function withoutBroker(place: PoolPlace, act: () => void): boolean {
  const worker = sharedPlace(place.worker)
  // While it is held nobody can start the pool's broker.
  const lock = takeLifeLock(worker)
  if (lock === null) return false
  try {
    const isFree = !isInUse(place)
    if (isFree) act()
    removeFiles(worker, { log: true, lock: true })
    return isFree
  } finally {
    closeSync(lock)
  }
}
