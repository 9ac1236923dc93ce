import type { Client } from '../../client/client.ts'
import { availableCpus } from '../../pool/cpus.ts'
import { jobserverSource } from '../../pool/source.ts'
import { type Ended, endAs } from '../child.ts'
import { holdSlots } from '../limit/hold.ts'
import { nameOf, slotsOf } from '../limit/limit-in-force.ts'
import { tell } from '../messages.ts'
import type { Signals } from '../signals.ts'
import { runInPool } from './run-in-pool.ts'
import type { RunWords } from './run-words.ts'

/** `jobslot run` within another limit, from which its slots are drawn as they are wanted: to the end of this process. */
export async function runUnder(client: Client, asked: RunWords, signals: Signals): Promise<never> {
  const { command, jobs, most } = asked
  const limit = slotsOf(client)
  // Whoever was told that the jobserver cannot be used knows it already.
  if (jobs !== null && limit !== null && jobs > limit && !client.problem) {
    tell(`-j ${jobs} is more than ${nameOf(client)} has: going on with ${limit}`)
  }
  const slots = Math.min(most ?? limit ?? availableCpus(), limit ?? Number.POSITIVE_INFINITY)
  const holding = await holdSlots(client, { min: 1, max: 1, timeout: Number.POSITIVE_INFINITY }, signals)
  let ended: Ended
  try {
    ended = await runInPool(command, {
      ...asked,
      source: jobserverSource(client, slots),
      draws: true,
      borrowed: true,
      env: process.env,
      signals,
    })
  } finally {
    // Also when a signal ends it before the command has begun: no exit listener runs then.
    holding.release()
  }
  endAs(ended)
}
