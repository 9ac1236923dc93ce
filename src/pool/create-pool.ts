import { randomBytes } from 'node:crypto'
import { Ledger } from '../account/ledger.ts'
import type { GovernorLimits } from '../governor/governor.ts'
import { checkLimits } from '../governor/limits.ts'
import { checkOptions } from '../options.ts'
import { ownPid } from '../proc.ts'
import { availableCpus } from './cpus.ts'
import { privateFifos } from './fifo-place.ts'
import { PoolOwner } from './owner.ts'
import { checkSlots, MEMBER_OPTIONS, type MemberOptions, Pool } from './pool.ts'
import { fixedSource, type SlotSource } from './source.ts'

/** How large a pool of this process is, what of the machine it spares, and what this process asks for in it. */
export interface CreatePoolOptions extends MemberOptions, GovernorLimits {
  /** How many slots it has. Default: as many as there are CPUs that this process may use. */
  slots?: number | undefined
}

/**
 * A pool of this process, of which only what it spawns learns.
 *
 * @throws JobslotError `ERR_JOBSLOT_STATE_DIR`, `ERR_JOBSLOT_NO_ADDON`
 */
export async function createPool(options: CreatePoolOptions = {}): Promise<Pool> {
  checkOptions('createPool', options, ['slots', 'maxLoad', 'minMemory', 'maxPressure', ...MEMBER_OPTIONS])
  const { slots = availableCpus(), maxLoad, minMemory, maxPressure, ...member } = options
  const source = fixedSource(checkSlots(slots, 0))
  return Pool.join(null, privateOwner(source, checkLimits({ maxLoad, minMemory, maxPressure })), member)
}

/** A pool's owner in this process. @internal */
export function privateOwner(source: SlotSource, limits?: GovernorLimits): PoolOwner {
  // Told apart from every other pool's, also of a process with the same number.
  const mark = `${ownPid()}-${randomBytes(6).toString('hex')}`
  return new PoolOwner({ name: null, mark, source, fifos: privateFifos, ledger: Ledger.memory(), limits })
}
