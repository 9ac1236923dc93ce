import { writeSync } from 'node:fs'
import type { BrokerClient } from '../../broker/broker-client.ts'
import { JobslotError } from '../../errors.ts'
import type { MemberCommand } from '../../pool/host.ts'
import { endAs } from '../child.ts'
import { UsageError } from '../exit-codes.ts'
import { membership, openNamed } from '../limit/pools.ts'
import type { PoolChoice } from '../limit/which-limit.ts'
import { tell } from '../messages.ts'
import { type Asked, joinPool, runAsMember } from '../run/run-as-member.ts'
import type { Signals } from '../signals.ts'
import type { AcquireWords } from './acquire-words.ts'
import { withSlots } from './with-slots.ts'

/** `jobslot acquire` from a pool: to the end of this process. `words` are those of its command line. */
export async function acquireOfPool(
  choice: PoolChoice,
  asked: AcquireWords,
  words: readonly string[],
  signals: Signals,
  user: MemberCommand | null,
): Promise<never> {
  const host = await openNamed(choice.name, signals)
  const client = await membership(host, choice)
  if (client) {
    await host.close()
    const more = await import('../bundles/more.ts')
    const { acquireOfJobserver } = await more.acquireOfJobserver()
    const { connectTo } = await more.connect()
    return acquireOfJobserver(client, asked, words, signals, connectTo({}, false))
  }
  const joined = await join(host, asked, signals)
  if (joined === null) {
    await host.close()
    process.exit(asked.timeoutStatus)
  }
  if (user) {
    // From now on it lasts as long as that process, though this one leaves.
    await host.started(joined.id, user)
    writeSync(1, `${joined.mark}\n`)
    await host.close()
    process.exit(0)
  }
  const { command, env } = withSlots(asked, joined.slots)
  env.JOBSLOT_POOL = choice.name
  const ended = await runAsMember(host, joined, command, { env, style: 'auto', signals })
  // With this process its connection ends.
  endAs(ended)
}

/** Null where there is none in time. */
async function join(host: BrokerClient, asked: AcquireWords, signals: Signals) {
  const { min, max, label, priority, timeout } = asked
  const request: Asked = { kind: 'acquire', label, min, max, draws: false, limit: null, priority, weight: 1 }
  try {
    return await joinPool(host, request, { name: host.name, timeout: timeout ?? Number.POSITIVE_INFINITY }, signals)
  } catch (error) {
    if (!(error instanceof JobslotError)) throw error
    if (error.code === 'ERR_JOBSLOT_TOO_MANY') throw new UsageError(`acquire: ${error.message}`)
    if (error.code !== 'ERR_JOBSLOT_TIMEOUT') throw error
    tell(error.message)
    return null
  }
}
