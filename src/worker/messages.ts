import { inspect } from 'node:util'

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

export function toPlain(thrown: unknown): PlainError {
  if (!(thrown instanceof Error)) return { name: 'Error', message: inspect(thrown), stack: '' }
  const { name, message, stack, code } = thrown as NodeJS.ErrnoException
  const plain: PlainError = { name: String(name), message: String(message), stack: String(stack ?? '') }
  if (typeof code === 'string' || typeof code === 'number') plain.code = code
  return plain
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
