import { privateOwner } from '../pool/create-pool.ts'
import type { Style } from '../pool/offer.ts'
import type { SlotSource } from '../pool/source.ts'
import type { Ended } from './child.ts'
import { type GovernorWords, limitsAfter } from './governor-words.ts'
import { joinPool, runAsMember } from './run-as-member.ts'
import type { Signals } from './signals.ts'

export interface PoolOptions {
  source: SlotSource
  governor?: GovernorWords
  /** Whether the command holds all slots from first to last, or draws them as they become free. */
  draws: boolean
  label: string
  env: NodeJS.ProcessEnv
  style: Style | 'auto'
  signals: Signals
}

/** Runs a command with a pool of its own, and tells at the end what it did not give back. */
export async function runInPool(command: string[], options: PoolOptions): Promise<Ended> {
  const { source, governor = {}, draws, label, signals } = options
  const pool = privateOwner(source, limitsAfter({}, governor))
  try {
    const slots = draws ? 1 : source.slots
    const joined = await joinPool(
      pool,
      { kind: draws ? 'run' : 'acquire', label, min: slots, max: slots, draws, limit: null, priority: 0, weight: 1 },
      { name: null, timeout: Number.POSITIVE_INFINITY },
      signals,
    )
    return await runAsMember(pool, joined, command, options)
  } finally {
    await pool.close()
  }
}
