import { types } from 'node:util'

const MOST_VALUES = 64
const LONGEST_TEXT = 1000

/**
 * Whether JSON says all that there is to say of a value, as V8's serialization would: then it may travel as JSON, which
 * for small values takes a quarter of the time. What is large, or occurs twice, is never simple. Pure.
 */
export function isSimple(value: unknown): boolean {
  return new Look().at(value)
}

class Look {
  #left = MOST_VALUES
  readonly #seen: object[] = []

  at(value: unknown): boolean {
    if (--this.#left < 0) return false
    switch (typeof value) {
      case 'string':
        return value.length <= LONGEST_TEXT
      case 'number':
        return Number.isFinite(value) && !Object.is(value, -0)
      case 'boolean':
        return true
      case 'object':
        return value === null || this.#inside(value)
      default:
        return false
    }
  }

  #inside(value: object): boolean {
    const prototype = Object.getPrototypeOf(value)
    const isArray = Array.isArray(value)
    if (prototype !== (isArray ? Array.prototype : Object.prototype) || this.#seen.includes(value)) return false
    // What it answers may change from one look to the next, and V8 would not take it at all.
    if (types.isProxy(value) || 'toJSON' in value || (!isArray && isSpecial(value))) return false
    this.#seen.push(value)
    if (isArray && value.length > this.#left) return false
    const names = Object.keys(value)
    // An array may have holes, and names of its own.
    if (isArray && (names.length !== value.length || !names.every((name, i) => name === String(i)))) return false
    return names.every((name) => name.length <= LONGEST_TEXT && this.at((value as Record<string, unknown>)[name]))
  }
}

/** What V8 knows as more than its properties, even behind the prototype of a plain object. */
function isSpecial(value: object): boolean {
  return (
    types.isNativeError(value) ||
    types.isDate(value) ||
    types.isMap(value) ||
    types.isSet(value) ||
    types.isRegExp(value) ||
    types.isBoxedPrimitive(value) ||
    types.isAnyArrayBuffer(value) ||
    types.isPromise(value) ||
    ArrayBuffer.isView(value)
  )
}
