import type { Client } from '../../client/client.ts'
import type { Slot } from '../../client/slot.ts'
import { availableCpus } from '../../pool/cpus.ts'
import { parseNumber, splitArguments } from '../arguments.ts'
import { endAs } from '../child.ts'
import { UsageError } from '../exit-codes.ts'
import { helpFor } from '../help.ts'
import { holdSlots } from '../hold.ts'
import { limitInForce, nameOf, slotsOf } from '../limit-in-force.ts'
import { tell } from '../messages.ts'
import { runInPool } from '../run-in-pool.ts'
import { Signals } from '../signals.ts'

const OPTIONS = {
  jobs: { type: 'string', short: 'j' },
  style: { type: 'string' },
  strict: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** A pipe holds 64 KiB, a byte for each token. */
const MOST_SLOTS = 65_536

export async function main(words: string[]): Promise<void> {
  const { values, command } = splitArguments(words, OPTIONS)
  if (values.help) return console.log(helpFor('run'))
  if (command.length === 0) throw new UsageError('run: no command was given to run')
  const asked = values.jobs === undefined ? null : parseNumber(values.jobs, '-j', { min: 1, max: MOST_SLOTS })
  const style = styleOf(values.style ?? 'auto')
  const { env } = process
  const signals = new Signals()

  const client = limitInForce(values.strict ?? false)
  if (!client) return endAs(await runInPool(command, { slots: asked ?? availableCpus(), env, style, signals }))

  const limit = slotsOf(client)
  // Whoever was told that the jobserver cannot be used knows it already.
  if (asked !== null && limit !== null && asked > limit && !client.problem) {
    tell(`-j ${asked} is more than ${nameOf(client)} has: going on with ${limit}`)
  }
  const slots = Math.min(asked ?? limit ?? availableCpus(), limit ?? Number.POSITIVE_INFINITY)
  const holding = await holdSlots(client, { min: 1, max: 1, timeout: Number.POSITIVE_INFINITY }, signals)
  const ended = await runInPool(command, {
    slots,
    env,
    style,
    signals,
    supply: (grant) => draw(client, slots - 1, grant),
  })
  holding.release()
  endAs(ended)
}

function styleOf(text: string) {
  if (text !== 'auto' && text !== 'fifo' && text !== 'pipe') {
    throw new UsageError(`run: --style is auto, fifo or pipe, not "${text}"`)
  }
  return text
}

/**
 * Draws tokens from the limit in force as they become free, and keeps them until the command ends: a limit within a
 * limit is never above either.
 */
function draw(client: Client, count: number, grant: () => void): () => void {
  const ended = new AbortController()
  const drawn: Slot[] = []
  const drawAll = async () => {
    while (drawn.length < count) {
      const slot = await client.acquire({ signal: ended.signal })
      // The command can have ended since the token was delivered: there is nobody left to grant it to.
      if (ended.signal.aborted) return slot.release()
      drawn.push(slot)
      grant()
    }
  }
  // Ends by the command's end, or because the limit in force has no more to give.
  drawAll().catch(() => {})
  return () => {
    ended.abort()
    for (const slot of drawn) slot.release()
  }
}
