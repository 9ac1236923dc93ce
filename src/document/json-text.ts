import { types } from 'node:util'

/**
 * The JSON text of a value. What JSON would silently turn into something else is an error; only properties that are
 * undefined, or have a symbol for a name, are left out, as everywhere.
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
    const what = withoutForm(part) ?? (isWholeDate(part, this, key) ? null : 'a Date that is none')
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
  return typeof value === 'object' && value !== null ? emptied(value) : null
}

/** An object of which JSON would keep next to nothing. */
function emptied(value: object): string | null {
  if (types.isNativeError(value)) return 'an Error'
  if (types.isRegExp(value)) return 'a RegExp'
  if (types.isAnyArrayBuffer(value)) return 'an ArrayBuffer'
  if (ArrayBuffer.isView(value)) return 'bytes'
  if (types.isWeakMap(value)) return 'a WeakMap'
  if (types.isWeakSet(value)) return 'a WeakSet'
  if (types.isGeneratorObject(value)) return 'a generator'
  if (types.isMapIterator(value) || types.isSetIterator(value)) return 'an iterator'
  if (types.isNumberObject(value) && !Number.isFinite(value.valueOf())) return String(value)
  return null
}

/** What a Date's toJSON makes of it, null where it is no time, is all that there is to see of it. */
function isWholeDate(part: unknown, holder: unknown, key: string): boolean {
  const original = part === null ? (holder as Record<string, unknown>)[key] : null
  return !types.isDate(original) || !Number.isNaN(original.valueOf())
}
