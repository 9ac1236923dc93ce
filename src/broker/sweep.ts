import { closeSync, existsSync } from 'node:fs'
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

function sweepPool(place: PoolPlace): void {
  if (!existsSync(place.dir)) return
  const worker = sharedPlace(place.worker)
  // While it is held nobody can start the pool's broker.
  const lock = takeLifeLock(worker)
  if (lock === null) return
  try {
    if (!isInUse(place)) removeFolder(place)
    removeFiles(worker, { log: true, lock: true })
  } finally {
    closeSync(lock)
  }
}
