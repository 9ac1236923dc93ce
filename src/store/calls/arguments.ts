/** Looks at what callers give: wrong use is told by a TypeError that says what is right. Pure. */
import { JobslotError } from '../../errors.ts'
import { isDeeper, MOST_DEPTH } from '../format/depth.ts'
import { isWhole } from '../format/line.ts'
import { type JobState, STATES } from '../state/job-state.ts'

/** What a timer can wait for at once: Node takes more for 1 ms. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1

/** @throws TypeError */
export function msOf(name: string, value: number): number {
  if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER) return Math.round(value)
  throw new TypeError(`${name} must be a number of milliseconds from 0 on, not ${String(value)}`)
}

/** For a timer; undefined: without an end. @throws TypeError */
export function timeoutOf(value: number | undefined): number | undefined {
  if (value === undefined || value === Number.POSITIVE_INFINITY) return undefined
  const ms = msOf('timeout', value)
  return ms <= LONGEST_TIMER_MS ? ms : undefined
}

/** @throws TypeError */
export function countOf(name: string, value: number): number {
  if (isWhole(value) && value > 0) return value
  throw new TypeError(`${name} must be a whole number from 1 on, not ${String(value)}`)
}

/** Of an event, or of a job in a list. @throws TypeError */
export function positionOf(value: number): number {
  if (isWhole(value)) return value
  throw new TypeError(`a position must be a whole number from 0 on, not ${String(value)}`)
}

/** @throws TypeError */
export function statesOf(wanted: JobState | readonly JobState[]): readonly JobState[] {
  const states = [wanted].flat()
  const unknown = states.find((state) => !STATES.includes(state))
  if (unknown !== undefined) throw new TypeError(`there is no state ${String(unknown)}: there are ${STATES.join(', ')}`)
  return states
}

/** What is to be one line, as JSON. @throws TypeError, JobslotError `ERR_JOBSLOT_TOO_LONG` */
export function textOf(what: string, value: unknown): string {
  const json = stringOf(what, value)
  if (json === undefined) throw new TypeError(`${what} must be JSON, and there is none for ${typeof value}`)
  requireLength(what, json, LONGEST_TEXT)
  return json
}

/** The same, as it will come back. */
export const jsonOf = (what: string, value: unknown): unknown => JSON.parse(textOf(what, value))

/** Targets, of which all together may be of any length: they are there already. @throws TypeError */
export function jsonsOf(targets: readonly unknown[]): unknown[] {
  if (!Array.isArray(targets)) throw new TypeError(`targets must be an array, not ${typeof targets}`)
  return JSON.parse(stringOf('a target', targets)!)
}

/** @throws JobslotError `ERR_JOBSLOT_TOO_LONG` where it nests too deeply, on which JSON itself may or may not fail */
function stringOf(what: string, value: unknown): string | undefined {
  const cure = 'write it into a file and name that'
  const tooMuch = (how: string) => new JobslotError('ERR_JOBSLOT_TOO_LONG', `${what} ${how}: ${cure}`)
  try {
    const json = JSON.stringify(value)
    if (json !== undefined && isDeeper(json, MOST_DEPTH)) throw tooMuch(`nests in more than ${MOST_DEPTH} levels`)
    return json
  } catch (error) {
    if (error instanceof RangeError) throw tooMuch(`is too deep or too long for JSON (${error.message})`)
    throw error
  }
}

const LONGEST_TEXT = 16 * 1024 * 1024

/** @throws JobslotError `ERR_JOBSLOT_TOO_LONG` */
export function requireLength(what: string, text: string, longest: number): void {
  if (text.length <= longest) return
  const cure = 'write it into a file and name that'
  throw new JobslotError(
    'ERR_JOBSLOT_TOO_LONG',
    `${what} has ${text.length} characters, and may have ${longest}: ${cure}`,
  )
}

/** A slip of the pen would go unnoticed. @throws TypeError */
export function requireNone(what: string, unknown: object): void {
  const [name] = Object.keys(unknown)
  if (name !== undefined) throw new TypeError(`there is no option ${name} of ${what}`)
}
