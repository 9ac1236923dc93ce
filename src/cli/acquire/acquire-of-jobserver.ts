import type { Client } from '../../client/client.ts'
import { JobslotError } from '../../errors.ts'
import { fixedSource } from '../../pool/source.ts'
import { type Ended, endAs, runCommand } from '../child.ts'
import { UsageError } from '../exit-codes.ts'
import { holdSlots } from '../limit/hold.ts'
import { nameOf, patienceOf, slotsOf } from '../limit/limit-in-force.ts'
import { tell } from '../messages.ts'
import type { Signals } from '../signals.ts'
import type { AcquireWords } from './acquire-words.ts'
import { withSlots } from './with-slots.ts'

/**
 * `jobslot acquire` under a jobserver: to the end of this process. `words` are those of its command line. The command is
 * told of the jobserver `handedOn`, unless it gets one of its own.
 */
export async function acquireOfJobserver(
  client: Client,
  asked: AcquireWords,
  words: readonly string[],
  signals: Signals,
  handedOn: Client | null = client,
): Promise<never> {
  const { min, max, forPid } = asked
  const limit = slotsOf(client)
  if (limit !== null && min > limit) {
    throw new UsageError(`acquire: ${min} slots can never be had of ${nameOf(client)}; ask for at most ${limit}`)
  }
  if (forPid !== null) {
    const { holdByKeeper } = await (await import('../bundles/more.ts')).keeper()
    return holdByKeeper(words, client, signals)
  }
  const most = limit === null ? max : Math.min(max, limit)
  try {
    const holding = await holdSlots(client, { min, max: most, timeout: patienceOf(asked) }, signals)
    let ended: Ended
    try {
      ended = await runWithSlots(handedOn, holding.slots, asked, signals)
    } finally {
      // Also when a signal ends it before the command has begun: no exit listener runs then.
      holding.release()
    }
    endAs(ended)
  } catch (error) {
    if (!(error instanceof JobslotError && error.code === 'ERR_JOBSLOT_TIMEOUT')) throw error
    tell(error.message)
    process.exit(asked.timeoutStatus)
  }
}

/** Runs the command as one that holds so many slots. */
async function runWithSlots(client: Client | null, slots: number, asked: AcquireWords, signals: Signals) {
  const { command, env } = withSlots(asked, slots)
  if (slots > 1) {
    const label = command.join(' ')
    // Most commands have one slot, and need no pool.
    const { runInPool } = await (await import('../bundles/more.ts')).runInPool()
    return runInPool(command, {
      source: fixedSource(slots),
      draws: false,
      borrowed: true,
      label,
      env,
      style: 'auto',
      signals,
    })
  }
  const options = { stdio: 'inherit', env } as const
  return runCommand(command, client ? client.childOptions(options) : options, signals)
}
