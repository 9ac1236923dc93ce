import { BrokerClient } from '../../broker/broker-client.ts'
import type { PoolPlace } from '../../broker/place.ts'
import type { Client } from '../../client/client.ts'
import type { PoolHost } from '../../pool/host.ts'
import { type GovernorWords, limitsAfter } from '../governor-words.ts'
import { tell } from '../messages.ts'
import { Interrupted, type Signals } from '../signals.ts'
import type { PoolChoice } from './which-limit.ts'

/** @throws JobslotError; Interrupted */
export function openNamed(pool: string | PoolPlace, signals: Signals): Promise<BrokerClient> {
  const ended = new AbortController()
  return signals.during(
    (signal) => ended.abort(new Interrupted(signal)),
    () => BrokerClient.connect(pool, { signal: ended.signal, onWarning: ({ message }) => tell(message) }),
  )
}

/**
 * The slots that a command has of a pool already, as it runs in a member of it: a jobserver, whose implicit slot is the
 * caller's. Null where it is none, or only was one: what carries the mark can outlive its member.
 */
export async function membership(host: BrokerClient, { name, member }: PoolChoice): Promise<Client | null> {
  if (member === null) return null
  // Most commands of a pool need nothing of a jobserver.
  const more = await import('../bundles/more.ts')
  const [{ connectTo }, { membership: membershipIn }] = await Promise.all([more.connect(), more.membership()])
  const env = await membershipIn(host, name, member)
  return env && connectTo({ env }, false)
}

/** Sets what these words say of a pool's governor, and leaves the rest of it. */
export async function govern(host: PoolHost, words: GovernorWords): Promise<void> {
  if (Object.keys(words).length === 0) return
  const { governor } = await host.status()
  await host.govern(limitsAfter(governor?.limits ?? {}, words))
}
