import { MOST_SLOTS } from '../../../pool/owner.ts'
import { parseDuration, parseNumber, splitOperands } from '../../arguments.ts'
import { UsageError } from '../../exit-codes.ts'
import { DEFAULT_GRACE_MS } from '../grace.ts'
import { PLACE_OPTIONS } from '../place.ts'

const OPTIONS = {
  ...PLACE_OPTIONS,
  slots: { type: 'string', short: 'j' },
  pool: { type: 'string' },
  module: { type: 'string' },
  drain: { type: 'boolean' },
  grace: { type: 'string' },
  verbose: { type: 'boolean', short: 'v' },
  json: { type: 'boolean' },
} as const

/** What `jobslot job work` was asked for. */
export interface WorkWords {
  dir: string | undefined
  /** How many jobs at once; null: as many as the limit in force lets. */
  slots: number | null
  pool: string | undefined
  module: string | null
  /** What runs each job; empty: its own command. */
  command: string[]
  drain: boolean
  /** Ms between TERM and KILL, where `job cancel` does not say. */
  grace: number
  verbose: boolean
  json: boolean
}

/** Null: it asks for help. Pure. @throws UsageError */
export function parseWork(words: string[]): WorkWords | null {
  const { values, operands, command } = splitOperands(words, OPTIONS)
  if (values.help) return null
  const [first] = operands
  if (first !== undefined) {
    throw new UsageError(`job work takes no word "${first}" before --: the command that runs jobs stands behind it`)
  }
  if (command?.length === 0) throw new UsageError('job work: there is no command behind --')
  const { slots, pool, module, grace } = values
  if (pool === '') throw new UsageError('job work: --pool has an empty name')
  if (module === '') throw new UsageError('job work: --module has an empty name')
  if (pool !== undefined && slots !== undefined) {
    throw new UsageError('job work: -j, --slots and --pool exclude each other')
  }
  if (module !== undefined && command) {
    throw new UsageError('job work: --module and a command exclude each other')
  }
  return {
    dir: values.dir,
    slots: slots === undefined ? null : parseNumber(slots, '-j, --slots', { min: 1, max: MOST_SLOTS }),
    pool,
    module: module ?? null,
    command: command ?? [],
    drain: values.drain ?? false,
    grace: grace === undefined ? DEFAULT_GRACE_MS : parseDuration(grace, '--grace'),
    verbose: values.verbose ?? false,
    json: values.json ?? false,
  }
}
