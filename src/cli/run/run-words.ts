import type { Style } from '../../pool/offer.ts'
import { MOST_SLOTS } from '../../pool/owner.ts'
import { parseNumber, parsePriority, parseWeight, splitArguments } from '../arguments.ts'
import { UsageError } from '../exit-codes.ts'
import { GOVERNOR_OPTIONS, type GovernorWords, parseGovernor } from '../governor-words.ts'

const OPTIONS = {
  jobs: { type: 'string', short: 'j' },
  pool: { type: 'string' },
  max: { type: 'string' },
  label: { type: 'string' },
  priority: { type: 'string' },
  weight: { type: 'string' },
  ...GOVERNOR_OPTIONS,
  style: { type: 'string' },
  strict: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** What `jobslot run` was asked for. */
export interface RunWords {
  command: string[]
  jobs: number | null
  /** The most slots: `-j` or `--max`, the smaller. */
  most: number | null
  pool: string | undefined
  label: string
  priority: number
  weight: number
  governor: GovernorWords
  style: Style | 'auto'
  strict: boolean
}

/** Null: it asks for help. Pure. @throws UsageError */
export function parseRun(words: string[]): RunWords | null {
  const { values, command } = splitArguments(words, OPTIONS)
  if (values.help) return null
  if (command.length === 0) throw new UsageError('run: no command was given to run')
  const { jobs, max, pool } = values
  if (pool === '') throw new UsageError('run: --pool has an empty name')
  if (pool !== undefined && jobs !== undefined) {
    throw new UsageError(
      `run: -j is the size of a pool of the command's own; use --max ${jobs} for what it may have of pool ${pool}`,
    )
  }
  const asked = {
    jobs: jobs === undefined ? null : parseNumber(jobs, '-j', { min: 1, max: MOST_SLOTS }),
    max: max === undefined ? null : parseNumber(max, '--max', { min: 1, max: MOST_SLOTS }),
  }
  const most = Math.min(asked.jobs ?? MOST_SLOTS, asked.max ?? MOST_SLOTS)
  return {
    command,
    jobs: asked.jobs,
    most: asked.jobs === null && asked.max === null ? null : most,
    pool,
    label: values.label ?? command.join(' '),
    priority: parsePriority(values.priority),
    weight: parseWeight(values.weight),
    governor: parseGovernor(values),
    style: styleOf(values.style ?? 'auto'),
    strict: values.strict ?? false,
  }
}

function styleOf(text: string): Style | 'auto' {
  if (text !== 'auto' && text !== 'fifo' && text !== 'pipe') {
    throw new UsageError(`run: --style is auto, fifo or pipe, not "${text}"`)
  }
  return text
}
