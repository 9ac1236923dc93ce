import type { OpenPoolOptions } from './broker/open-pool.ts'
import type { CreatePoolOptions } from './pool/create-pool.ts'
import type { Pool } from './pool/pool.ts'

/** Pools, loaded when the first one is made: who only takes slots does not wait for it. */

/**
 * A pool of this process, of which only what it spawns learns.
 *
 * @throws JobslotError `ERR_JOBSLOT_STATE_DIR`, `ERR_JOBSLOT_NO_ADDON`; TypeError for options that are none
 *
 * @example
 * ```js
 * import { createPool } from 'jobslot'
 *
 * const pool = await createPool({ slots: 2 })
 * const member = await pool.spawn('echo', ['hello'], { stdio: 'inherit' })
 * console.log(await member.exited)
 * await pool.close()
 * ```
 */
export async function createPool(options?: CreatePoolOptions): Promise<Pool> {
  const { createPool } = await import('./pool/create-pool.ts')
  return createPool(options)
}

/**
 * A pool by name, which this user's processes on this host share. `JOBSLOT_POOL` names it, or it is `default`, where no
 * name is given. A pool that has another number of slots than `options.slots` keeps it, and its `warning` event tells.
 *
 * @throws JobslotError `ERR_JOBSLOT_STATE_DIR`, `ERR_JOBSLOT_LEDGER`, `ERR_JOBSLOT_POOL_VERSION`,
 * `ERR_JOBSLOT_POOL_NAMESPACE`, `ERR_JOBSLOT_POOL_SETTINGS`; TypeError for options that are none
 */
export async function openPool(name?: string, options?: OpenPoolOptions): Promise<Pool> {
  const { openPool } = await import('./broker/open-pool.ts')
  return openPool(name, options)
}
