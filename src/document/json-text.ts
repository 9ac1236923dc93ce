import { types } from 'node:util'

/**
 * The JSON text of a value. What JSON would silently turn into something else is an error; only properties that are
 * undefined are left out, as everywhere.
 *
 * @throws TypeError, also for a cycle; what somebody's toJSON throws.
 */
export function jsonText(value: unknown): string {
  let isWhole = true
  function refuseLoss(this: unknown, key: string, part: unknown): unknown {
    const where = isWhole ? '' : `, which the value has at "${key}"`
    const isProperty = !isWhole && !Array.isArray(this)
    isWhole = false
    if (part === undefined && isProperty) return part
    const what = withoutForm(part)
    if (what !== null) throw new TypeError(`JSON cannot hold ${what}${where}`)
    return part
  }
  try {
    return JSON.stringify(value, refuseLoss)
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new TypeError(`the value is too deep or too long for JSON: ${cause.message}`, { cause })
  }
}

/** What a value is that JSON has no form for; else null. */
function withoutForm(value: unknown): string | null {
  if (typeof value === 'number') return Number.isFinite(value) ? null : String(value)
  if (typeof value === 'bigint' || typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`
  if (value === undefined) return 'undefined'
  if (types.isMap(value)) return 'a Map'
  if (types.isSet(value)) return 'a Set'
  if (types.isPromise(value)) return 'a Promise'
  return null
}
