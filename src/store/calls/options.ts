import { isWhole, type Options } from '../format/line.ts'
import { countOf, msOf, requireLength, requireNone, textOf } from './arguments.ts'

/** How a job is to be run. Times are in milliseconds. */
export interface JobOptions {
  /** Higher ones first, then older ones: a whole number. Default 0. */
  priority?: number | undefined
  /** Not before: a date, or ms since 1970. Not together with `delay`. */
  runAt?: number | Date | undefined
  /** Not before so many ms from now. Default 0. */
  delay?: number | undefined
  /** How often it may fail before it has failed for good, from 1 on, or Infinity. Default 1. */
  attempts?: number | undefined
  /**
   * How long to wait after a failure: ms at first (`delay`), with what factor it grows, and how far (`max`, ms). A number is
   * the delay. Default 1000, 2, 60,000.
   */
  backoff?: number | { delay?: number | undefined; factor?: number | undefined; max?: number | undefined } | undefined
  /** How often its worker may be lost before it has failed, from 1 on. Default: any number of times. */
  losses?: number | undefined
  /** Ids of jobs: it waits until these are fulfilled; where one comes to another end, it is cancelled. */
  after?: readonly (number | string)[] | undefined
  /** Only one unfinished job has it: creating another gives that one. At most 4096 characters. */
  key?: string | undefined
  /** To be started within so many ms, or it has failed. Default: at any time. */
  ttl?: number | undefined
  /** Ms for one run, from its claim on: then it is aborted and has failed. Default: any time. */
  timeout?: number | undefined
  /** Ms that it is kept when it has finished, or Infinity. Default: as the store was opened. */
  retention?: number | undefined
}

const MOST_PRIORITY = 2 ** 31 - 1
/** Keys are kept in memory. */
const LONGEST_KEY = 4096

/** As they stand in the journal. @throws TypeError, JobslotError `ERR_JOBSLOT_TOO_LONG` of a key */
export function optionsOf(options: JobOptions, now: number): Options {
  const {
    priority,
    runAt: at,
    delay,
    attempts,
    losses,
    backoff,
    after,
    key,
    ttl,
    timeout,
    retention,
    ...rest
  } = options
  requireNone('a job', rest)
  const runAt = at instanceof Date ? at.getTime() : at
  if (after !== undefined && !Array.isArray(after)) throw new TypeError('after must be an array of ids')
  if (runAt !== undefined && delay !== undefined) throw new TypeError('runAt and delay exclude each other')
  if (priority !== undefined && !(Number.isInteger(priority) && Math.abs(priority) <= MOST_PRIORITY)) {
    throw new TypeError(`priority must be a whole number, not ${String(priority)}`)
  }
  if (key !== undefined && typeof key !== 'string') throw new TypeError(`key must be a string, not ${typeof key}`)
  if (key !== undefined) requireLength('a key', key, LONGEST_KEY)
  const start =
    optionalMs('delay', delay === undefined ? undefined : now + msOf('delay', delay)) ?? optionalMs('runAt', runAt)
  const found: { [name in keyof Options]: Options[name] | undefined } = {
    priority: priority || undefined,
    runAt: start || undefined,
    attempts: positive('attempts', attempts),
    losses: positive('losses', losses),
    backoff: backoff === undefined ? undefined : backoffOf(backoff),
    after: after === undefined ? undefined : [...new Set(after.map(idOf))],
    key,
    ttl: optionalMs('ttl', ttl),
    timeout: optionalMs('timeout', timeout),
    retention: optionalMs('retention', retention),
  }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined))
}

/** An id as a number; from a command line it comes as a string. */
export function idOf(id: number | string): number {
  const number = typeof id === 'string' && /^\d{1,16}$/.test(id) ? Number(id) : id
  if (isWhole(number) && number > 0) return number
  throw new TypeError(`the id of a job must be a whole number, not ${String(id)}`)
}

/** When to try again after so many failures. */
export function retryAt({ backoff = DEFAULT_BACKOFF }: Options, failures: number, now: number): number {
  const [first, factor, most] = backoff
  return now + Math.round(Math.min(most, first * factor ** (failures - 1)))
}

const DEFAULT_BACKOFF: [number, number, number] = [1000, 2, 60_000]

function backoffOf(backoff: NonNullable<JobOptions['backoff']>): [number, number, number] {
  const given = typeof backoff === 'number' ? { delay: backoff } : backoff
  const { delay = DEFAULT_BACKOFF[0], factor = 2, max = Math.max(delay, DEFAULT_BACKOFF[2]) } = given
  if (!(delay >= 0 && factor >= 1 && max >= delay && factor <= 1000 && max <= Number.MAX_SAFE_INTEGER)) {
    throw new TypeError('backoff must have a delay from 0 on, a factor from 1 on and a max that is not below the delay')
  }
  return [delay, factor, max]
}

const optionalMs = (name: string, value: number | undefined) => (value === undefined ? undefined : msOf(name, value))

/** @throws TypeError */
export const graceMs = (grace: number | undefined): number | undefined => optionalMs('grace', grace)

function positive(name: string, value: number | undefined): number | undefined {
  if (value === undefined) return undefined
  return value === Number.POSITIVE_INFINITY ? ALWAYS : countOf(name, value)
}

const ALWAYS = Number.MAX_SAFE_INTEGER

export const NO_OPTIONS: Options = {}

/** Options and request as they follow a line's number and time. @throws TypeError, JobslotError */
export function createText(request: unknown, options: Options): string {
  const json = requestText(request)
  return options === NO_OPTIONS
    ? `"op":"create","request":${json}}`
    : `${JSON.stringify({ op: 'create', ...options }).slice(1, -1)},"request":${json}}`
}

/** @throws TypeError, JobslotError */
export const requestText = (request: unknown): string => textOf('a request', request)
