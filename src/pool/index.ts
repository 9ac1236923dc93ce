import type { CreatePoolOptions } from './create-pool.ts'
import type { Pool } from './pool.ts'

/** Pools, loaded when the first one is made: who only takes slots does not wait for it. */

/**
 * A pool of this process, of which only what it spawns learns.
 *
 * @throws JobslotError `ERR_JOBSLOT_STATE_DIR`, `ERR_JOBSLOT_UNSUPPORTED`; TypeError for options that are none
 */
export async function createPool(options?: CreatePoolOptions): Promise<Pool> {
  const { createPool } = await import('./create-pool.ts')
  return createPool(options)
}
