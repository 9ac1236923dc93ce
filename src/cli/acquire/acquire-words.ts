import { parseCount, parseNumber, parsePriority, parseWait, splitArguments } from '../arguments.ts'
import { EXIT, UsageError } from '../exit-codes.ts'

const OPTIONS = {
  count: { type: 'string', short: 'c' },
  timeout: { type: 'string', short: 'w' },
  'no-wait': { type: 'boolean', short: 'n' },
  'timeout-status': { type: 'string', short: 'E' },
  'no-substitute': { type: 'boolean' },
  strict: { type: 'boolean' },
  pool: { type: 'string' },
  label: { type: 'string' },
  priority: { type: 'string' },
  for: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

/** What `jobslot acquire` was asked for. */
export interface AcquireWords {
  min: number
  max: number
  /** Milliseconds; null where nothing is said. */
  timeout: number | null
  timeoutStatus: number
  substitute: boolean
  strict: boolean
  pool: string | undefined
  label: string
  priority: number
  /** The process that is to hold the slots, in the place of a command. */
  forPid: number | null
  command: string[]
}

const HIGHEST_PID = 4_194_304

/** Null: it asks for help. Pure. @throws UsageError */
export function parseAcquire(words: string[]): AcquireWords | null {
  const { values, command } = splitArguments(words, OPTIONS)
  if (values.help) return null
  const forPid = values.for === undefined ? null : parseNumber(values.for, '--for', { min: 1, max: HIGHEST_PID })
  if (forPid === null && command.length === 0) {
    throw new UsageError('acquire: no command was given to run in the slot')
  }
  if (forPid !== null && command.length > 0) {
    throw new UsageError('acquire: --for holds the slot for a process that runs already, so it takes no command')
  }
  if (values.pool === '') throw new UsageError('acquire: --pool has an empty name')
  return {
    ...parseCount(values.count ?? '1'),
    timeout: parseWait(values, 'acquire'),
    timeoutStatus: parseNumber(values['timeout-status'] ?? String(EXIT.timeout), '-E', { min: 0, max: 255 }),
    substitute: values.count !== undefined && !values['no-substitute'],
    strict: values.strict ?? false,
    pool: values.pool,
    label: values.label ?? (forPid === null ? command.join(' ') : `for process ${forPid}`),
    priority: parsePriority(values.priority),
    forPid,
    command,
  }
}
