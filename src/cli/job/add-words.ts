import { resolve } from 'node:path'
import type { JobOptions } from '../../store.ts'
import { parseDuration, parseNumber, parsePriority, splitOperands } from '../arguments.ts'
import { UsageError } from '../exit-codes.ts'
import type { CommandRequest } from './command-request.ts'
import { parseId } from './ids.ts'
import { PLACE_OPTIONS } from './place.ts'

const OPTIONS = {
  ...PLACE_OPTIONS,
  priority: { type: 'string' },
  delay: { type: 'string' },
  at: { type: 'string' },
  attempts: { type: 'string' },
  backoff: { type: 'string' },
  losses: { type: 'string' },
  after: { type: 'string', multiple: true },
  key: { type: 'string' },
  ttl: { type: 'string' },
  timeout: { type: 'string' },
  keep: { type: 'string' },
  log: { type: 'string' },
} as const

export interface AddPlan {
  dir: string | undefined
  /** The text that is the request, a command, or that the text is on stdin. */
  what: { text: string } | { command: CommandRequest } | 'stdin'
  options: JobOptions
}

/** What the words of `job add` ask for; `help` too. Pure. @throws UsageError */
export function parseAdd(words: string[], cwd: () => string): AddPlan | 'help' {
  const { values, operands, command } = split(words)
  if (values.help) return 'help'
  const { log } = values
  if (log === '') throw new UsageError('job add: --log has an empty name')
  const what = command ? { command: commandRequest(command, operands, cwd(), log) } : requestIn(operands)
  if (log !== undefined && !command)
    throw new UsageError('job add: --log goes with a command: job add --log PATH -- CMD')
  return { dir: values.dir, what, options: jobOptions(values) }
}

function split(words: string[]) {
  try {
    return splitOperands(words, OPTIONS)
  } catch (error) {
    // Most likely it is one of a command's.
    const isUnknown = error instanceof UsageError && /^unknown option[^;]*$/.test(error.message)
    if (isUnknown && !words.includes('--')) {
      error.message += '; a command stands behind --: jobslot job add -- make -j4'
    }
    throw error
  }
}

function commandRequest(cmd: string[], operands: string[], cwd: string, log: string | undefined): CommandRequest {
  if (operands.length > 0) throw new UsageError(`job add takes a request or a command, not both: "${operands[0]}" --`)
  if (!cmd[0]) throw new UsageError('job add: no command was given behind --')
  return { cmd, cwd, ...(log !== undefined && { log: resolve(cwd, log) }) }
}

function requestIn(operands: string[]): { text: string } | 'stdin' {
  const [text, ...more] = operands
  if (text === undefined) throw new UsageError(`job add: what is to be done? ${FORMS}`)
  if (more.length > 0) {
    throw new UsageError(`job add takes one request, and these are ${operands.length} words: ${QUOTE}`)
  }
  return text === '-' ? 'stdin' : { text }
}

const FORMS = `job add '{"file":"a.txt"}' queues a request, job add -- make a command`
const QUOTE = `quote JSON for the shell, as in job add '{"file":"a.txt"}'; a command goes behind --, as in job add -- make`

/** @throws UsageError */
export function parseRequest(text: string, isWord: boolean): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const { message } = error as Error
    if (!isWord) throw new UsageError(`job add: what stdin has is no JSON (${message})`)
    const start = `${text.slice(0, 60)}${text.length > 60 ? '…' : ''}`
    throw new UsageError(
      `job add: "${start}" is no JSON (${message}): ${QUOTE}; job add - < FILE queues what a file has`,
    )
  }
}

type Words = {
  [name in
    | 'priority'
    | 'delay'
    | 'at'
    | 'attempts'
    | 'backoff'
    | 'losses'
    | 'key'
    | 'ttl'
    | 'timeout'
    | 'keep']?: string
}

function jobOptions(words: Words & { after?: string[] }): JobOptions {
  const { priority, delay, at, attempts, backoff, losses, after, key, ttl, timeout, keep } = words
  if (delay !== undefined && at !== undefined) throw new UsageError('job add: --delay and --at exclude each other')
  if (key === '') throw new UsageError('job add: --key is empty')
  return {
    ...(priority !== undefined && { priority: parsePriority(priority) }),
    ...(delay !== undefined && { delay: parseDuration(delay, '--delay') }),
    ...(at !== undefined && { runAt: parseTime(at) }),
    ...(attempts !== undefined && { attempts: parseNumber(attempts, '--attempts', { min: 1, max: 999_999_999 }) }),
    ...(losses !== undefined && { losses: parseNumber(losses, '--losses', { min: 1, max: 999_999_999 }) }),
    ...(backoff !== undefined && { backoff: parseDuration(backoff, '--backoff') }),
    ...(after !== undefined && { after: after.flatMap((ids) => ids.split(',')).map((id) => parseId(id, '--after')) }),
    ...(key !== undefined && { key }),
    ...(ttl !== undefined && { ttl: parseLimit(ttl, '--ttl') }),
    ...(timeout !== undefined && { timeout: parseLimit(timeout, '--timeout') }),
    ...(keep !== undefined && { retention: parseDuration(keep, '--keep') }),
  }
}

/** @throws UsageError of none at all: within no time, nothing could be done */
function parseLimit(text: string, option: string): number {
  const ms = parseDuration(text, option)
  if (ms > 0) return ms
  throw new UsageError(`${option} takes a time above 0, not "${text}": leave ${option} out for no limit`)
}

const DATE = /^\d{4}-\d\d-\d\d$/
const DATE_AND_TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$/

/** In ms since 1970; without a zone it is this computer's time. @throws UsageError */
function parseTime(text: string): number {
  // A date alone would be taken for midnight in Greenwich.
  const time = DATE.test(text) ? Date.parse(`${text}T00:00`) : DATE_AND_TIME.test(text) ? Date.parse(text) : Number.NaN
  if (time >= 0 && isDay(text.slice(0, 10))) return time
  throw new UsageError(`--at takes a time such as 2030-01-31T18:30 (local) or 2030-01-31T17:30Z, not "${text}"`)
}

/** Node takes the 31st of a shorter month for a day of the next one. */
function isDay(text: string): boolean {
  return new Date(`${text}T00:00Z`).toISOString().startsWith(text)
}
