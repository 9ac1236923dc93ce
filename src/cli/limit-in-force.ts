import type { Client } from '../client/client.ts'
import { connectTo } from '../client/connect.ts'
import { tell } from './messages.ts'

/** The limit in force for a command, with the warnings that users are due. @throws JobslotError with `strict` */
export function limitInForce(strict: boolean): Client | null {
  const client = connectTo({ strict }, false)
  if (client?.problem) tell(`${client.problem.message}; until then this goes on with one slot`)
  return client
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
