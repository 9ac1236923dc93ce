import { inspect, types } from 'node:util'

/** What a message is: its first element. `docs/workers.md` has them all. */
export const CALL = 0 // id, method, payload. An id of 0 wants no answer
export const CANCEL = 1 // id
export const RESULT = 2 // id, value
export const FAILURE = 3 // id, PlainError
export const GOODBYE = 4 // exit status

/** An error as it travels: V8 would drop its code, and everything else that is an error's own. */
export interface PlainError {
  name: string
  message: string
  stack: string
  code?: string | number
}

/** A longer text of an error tells nobody more, and might not fit into a message. */
const LONGEST_TEXT = 1024 * 1024

/** Never throws, whatever was thrown: reading any part of it may run code of its own. */
export function toPlain(thrown: unknown): PlainError {
  if (!attempt(() => isError(thrown), false)) return { name: 'Error', message: text(() => inspect(thrown)), stack: '' }
  const error = thrown as NodeJS.ErrnoException
  const plain: PlainError = {
    name: text(() => error.name),
    message: text(() => error.message),
    stack: attempt(() => cut(String(error.stack ?? '')), ''),
  }
  const code = attempt<unknown>(() => error.code, undefined)
  if (typeof code === 'number') plain.code = code
  else if (typeof code === 'string') plain.code = cut(code)
  return plain
}

/** One of another realm, as `node:vm` has them, is none to `instanceof`. */
const isError = (thrown: unknown) => types.isNativeError(thrown) || thrown instanceof Error
const cut = (whole: string) => whole.slice(0, LONGEST_TEXT)
const text = (read: () => unknown) => attempt(() => cut(String(read())), '(cannot be described)')

function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read()
  } catch {
    return otherwise
  }
}

const STANDARD: Record<string, ErrorConstructor> = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError }

export function toError(plain: unknown): Error {
  const { name, message, stack, code } = (plain ?? {}) as Partial<PlainError>
  const Constructor = (typeof name === 'string' && Object.hasOwn(STANDARD, name) && STANDARD[name]) || Error
  const error: Error & { code?: string | number } = new Constructor(String(message))
  const hide = (key: string, value: unknown) =>
    Object.defineProperty(error, key, { value, writable: true, configurable: true, enumerable: false })
  if (typeof name === 'string' && name !== error.name) hide('name', name)
  if (typeof stack === 'string' && stack !== '') hide('stack', stack)
  if (code !== undefined) error.code = code
  return error
}
