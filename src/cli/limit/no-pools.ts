import type { JobslotError } from '../../errors.ts'
import { tell } from '../messages.ts'

/** Whether this platform has neither pools nor locks: without the addon nothing can be counted. */
export function isNoPools(error: unknown): boolean {
  // By its code: the parts of the bundle have a class each.
  return (error as JobslotError | null)?.code === 'ERR_JOBSLOT_NO_ADDON'
}

let told = false

/** On stderr, once. */
export function tellNoPools({ message }: Error): void {
  if (!told) tell(`${message}; until then this goes on without a limit`)
  told = true
}

/**
 * Runs what keeps a limit; on a platform that has none that is told, and `plain` is run in its place.
 *
 * @throws whatever else was the matter; with `strict` this, too
 */
export async function unlessNoPools<T>(run: () => Promise<T>, plain: () => Promise<T>, strict: boolean): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (strict || !isNoPools(error)) throw error
    tellNoPools(error as Error)
    return plain()
  }
}
