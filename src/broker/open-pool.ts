import type { Client } from '../client/client.ts'
import { connectTo } from '../client/connect.ts'
import type { JobslotError } from '../errors.ts'
import { checkOptions } from '../options.ts'
import { MEMBER_VARIABLE, memberOf } from '../pool/marks.ts'
import { checkSlots, MEMBER_OPTIONS, type MemberOptions, Pool } from '../pool/pool.ts'
import { BrokerClient } from './broker-client.ts'
import { innerHost, slotsOf } from './inner-host.ts'
import { membership } from './membership.ts'
import { DEFAULT_POOL, placeOfPool } from './place.ts'

/** How large a named pool is to be, and what this process asks for in it. */
export interface OpenPoolOptions extends MemberOptions {
  /** How many slots it gets where nobody has said yet. Default: as many as the host has CPUs. */
  slots?: number | undefined
}

/**
 * A pool by name, which this user's processes on this host share; the one that `JOBSLOT_POOL` names, or `default`, where
 * none is given. A pool that has another number of slots than `slots` keeps it, and the pool's `warning` event tells.
 *
 * @throws JobslotError `ERR_JOBSLOT_STATE_DIR`, `ERR_JOBSLOT_POOL_VERSION`, `ERR_JOBSLOT_POOL_NAMESPACE`, `ERR_JOBSLOT_LEDGER`
 */
export async function openPool(name = usualName(), options: OpenPoolOptions = {}): Promise<Pool> {
  checkOptions('openPool', options, ['slots', ...MEMBER_OPTIONS])
  if (name === '') throw new TypeError('the name of a pool must not be empty')
  const { slots, ...member } = options
  if (slots !== undefined) checkSlots(slots, 0)
  let pool: Pool | null = null
  const warnings: JobslotError[] = []
  const tell = () => {
    for (const warning of warnings.splice(0)) pool?.emit('warning', warning)
  }
  const onWarning = (warning: JobslotError) => {
    warnings.push(warning)
    if (pool) tell()
  }
  pool = await join(await BrokerClient.connect(placeOfPool(name), { slots, onWarning }), member)
  // Whoever opens it cannot listen before it has it.
  setImmediate(tell)
  return pool
}

async function join(host: BrokerClient, member: MemberOptions): Promise<Pool> {
  let client: Client | null
  try {
    client = await clientWithin(host)
  } catch (error) {
    await host.close()
    throw error
  }
  if (!client) return Pool.join(host.name, host, member)
  return Pool.join(host.name, innerHost(host, client), member, slotsOf(client))
}

/** Where this process runs in a member of the pool. */
async function clientWithin(host: BrokerClient): Promise<Client | null> {
  const id = memberOf(process.env[MEMBER_VARIABLE], placeOfPool(host.name).mark)
  const env = id === null ? null : await membership(host, host.name, id)
  return env && connectTo({ env }, true)
}

const usualName = () => process.env.JOBSLOT_POOL || DEFAULT_POOL
