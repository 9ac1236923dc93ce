import { JobslotError } from '../errors.ts'
import { tell } from './messages.ts'

/** What says that this platform has no pools at all. */
const CODES: readonly string[] = ['ERR_JOBSLOT_UNSUPPORTED', 'ERR_JOBSLOT_NO_ADDON', 'ERR_JOBSLOT_PLATFORM']

export function isNoPools(error: unknown): boolean {
  return error instanceof JobslotError && CODES.includes(error.code)
}

/** Tells it, once: the command runs all the same. @throws whatever else was the matter; with `strict` this, too */
export function tellNoPools(error: unknown, strict: boolean): void {
  if (strict || !isNoPools(error)) throw error
  tell(`${(error as Error).message}; until then this goes on without a limit`)
}
