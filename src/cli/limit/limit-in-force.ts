import { ONE_SLOT } from '../../broker/membership.ts'
import type { Client } from '../../client/client.ts'
import { connectTo } from '../../client/connect.ts'
import { tell } from '../messages.ts'
import { isNoPools } from './no-pools.ts'

/** The jobserver that the environment names, with the warnings that users are due. @throws JobslotError with `strict` */
export function jobserverInForce(strict: boolean): Client {
  const client = connectTo({ strict }, false) ?? oneSlot()
  // Nor is there anything else to count slots with.
  if (isNoPools(client.problem)) throw client.problem
  if (client.problem) tell(`${client.problem.message}; until then this goes on with one slot`)
  return client
}

/** A limit of one, which whoever asks has already. */
export function oneSlot(): Client {
  return connectTo({ env: ONE_SLOT }, false)!
}

/** The limit in words, for messages. */
export function nameOf(client: Client): string {
  const of = client.jobs === null ? '' : ` (${client.jobs} slot${client.jobs === 1 ? '' : 's'})`
  if (client.problem) return "this recipe's one slot"
  switch (client.auth?.style) {
    case 'fifo':
      return `the jobserver ${client.auth.path}${of}`
    case 'pipe':
      return `the jobserver at descriptors ${client.auth.read},${client.auth.write}${of}`
    default:
      return 'a limit of one (-j1)'
  }
}

/** How many slots there are at the most; null where nobody says. */
export function slotsOf(client: Client): number | null {
  if (client.problem) return 1
  return client.jobs
}

/** Two who collect several slots of one jobserver can wait for each other and for others' recipes. */
const COLLECTOR_TIMEOUT_MS = 60_000

/** How long to wait for slots of a jobserver, in milliseconds. */
export function patienceOf({ timeout, min }: { timeout: number | null; min: number }): number {
  return timeout ?? (min > 1 ? COLLECTOR_TIMEOUT_MS : Number.POSITIVE_INFINITY)
}
