import { setTimeout as sleep } from 'node:timers/promises'
import { tell } from '../../messages.ts'

/** Between two tries. */
export const PAUSE_MS = 2000

/** A disk gets room again, and a process that was stopped in the midst of an append may go on. */
const PASSING: readonly unknown[] = ['ERR_JOBSLOT_STORE_IO', 'ERR_JOBSLOT_STORE_BUSY']

export function isPassing(error: unknown): boolean {
  return PASSING.includes((error as NodeJS.ErrnoException).code)
}

/** Tells of what stands in the way, once while it is the same. */
export class Obstacle {
  #told = ''

  tell({ message }: Error): void {
    if (message !== this.#told) tell(`${message}; this waits until then`)
    this.#told = message
  }

  gone(): void {
    this.#told = ''
  }
}

/** Tries again while what stands in the way may pass. Ends by the signal, too. @throws the last error */
export async function patiently<T>(attempt: () => T | Promise<T>, signal: AbortSignal): Promise<T> {
  const obstacle = new Obstacle()
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (!isPassing(error) || signal.aborted) throw error
      obstacle.tell(error as Error)
      await sleep(PAUSE_MS, undefined, { signal }).catch(() => {})
    }
  }
}
