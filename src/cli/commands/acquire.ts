import type { Client } from '../../client/client.ts'
import { JobslotError } from '../../errors.ts'
import { parseCount, parseNumber, parseWait, splitArguments } from '../arguments.ts'
import { endAs, runCommand } from '../child.ts'
import { EXIT, UsageError } from '../exit-codes.ts'
import { helpFor } from '../help.ts'
import { holdSlots } from '../hold.ts'
import { limitInForce, nameOf, slotsOf } from '../limit-in-force.ts'
import { tell } from '../messages.ts'
import { runInPool } from '../run-in-pool.ts'
import { Signals } from '../signals.ts'

const OPTIONS = {
  count: { type: 'string', short: 'c' },
  timeout: { type: 'string', short: 'w' },
  'no-wait': { type: 'boolean', short: 'n' },
  'timeout-status': { type: 'string', short: 'E' },
  'no-substitute': { type: 'boolean' },
  strict: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Two who collect several slots of one jobserver can wait for each other and for others' recipes. */
const COLLECTOR_TIMEOUT_MS = 60_000

export async function main(words: string[]): Promise<void> {
  const { values, command } = splitArguments(words, OPTIONS)
  if (values.help) return console.log(helpFor('acquire'))
  if (command.length === 0) throw new UsageError('acquire: no command was given to run in the slot')
  const { min, max } = parseCount(values.count ?? '1')
  const asked = parseWait(values, 'acquire')
  const timeoutStatus = parseNumber(values['timeout-status'] ?? String(EXIT.timeout), '-E', { min: 0, max: 255 })
  const substitute = values.count !== undefined && !values['no-substitute']

  const signals = new Signals()
  const client = limitInForce(values.strict ?? false)
  if (!client) {
    tell('no limit is in force here, so nothing is waited for: start the build with jobslot run, make -j or the like')
    return endAs(await runWith(null, max, { command, substitute, signals }))
  }
  const limit = slotsOf(client)
  if (limit !== null && min > limit) {
    throw new UsageError(`acquire: ${min} slots can never be had of ${nameOf(client)}; ask for at most ${limit}`)
  }
  const timeout = asked ?? (min > 1 ? COLLECTOR_TIMEOUT_MS : Number.POSITIVE_INFINITY)
  try {
    const holding = await holdSlots(client, { min, max: limit === null ? max : Math.min(max, limit), timeout }, signals)
    const ended = await runWith(client, holding.slots, { command, substitute, signals })
    holding.release()
    endAs(ended)
  } catch (error) {
    if (!(error instanceof JobslotError && error.code === 'ERR_JOBSLOT_TIMEOUT')) throw error
    tell(error.message)
    process.exit(timeoutStatus)
  }
}

interface Run {
  command: string[]
  substitute: boolean
  signals: Signals
}

function runWith(client: Client | null, slots: number, { command, substitute, signals }: Run) {
  const [program = '', ...args] = command
  const words = [program, ...(substitute ? args.map((word) => word.replaceAll('{slots}', String(slots))) : args)]
  const env = { ...process.env, JOBSLOT_SLOTS: String(slots) }
  if (slots > 1) return runInPool(words, { slots, env, style: 'auto', signals })
  const options = { stdio: 'inherit', env } as const
  return runCommand(words, client ? client.childOptions(options) : options, signals)
}
