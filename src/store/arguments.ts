/** Looks at what callers give: wrong use is told by a TypeError that says what is right. Pure. */
import { isWhole } from './line.ts'
import { type JobState, STATES } from './view.ts'

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

/** Of an event. @throws TypeError */
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

/** As it will come back. @throws TypeError */
export function jsonOf(value: unknown): unknown {
  const json = JSON.stringify(value)
  if (json === undefined) throw new TypeError(`it must be JSON, and there is none for ${typeof value}`)
  return JSON.parse(json)
}
