import { endBy } from './child.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

/** Thrown out of a wait that a signal ended. */
class Interrupted extends Error {
  readonly signal: NodeJS.Signals
  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`)
    this.signal = signal
  }
}

/**
 * Waits with `wait`, whose signal a SIGINT, SIGTERM, SIGHUP or SIGQUIT aborts. Once everything that it held is given
 * back, the process ends by that same signal.
 */
export async function interruptible<T>(wait: (signal: AbortSignal) => Promise<T>, cleanUp: () => void): Promise<T> {
  const interrupt = new AbortController()
  const onSignal = (signal: NodeJS.Signals) => interrupt.abort(new Interrupted(signal))
  for (const signal of SIGNALS) process.on(signal, onSignal)
  try {
    return await wait(interrupt.signal)
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
    cleanUp()
    return endBy(error.signal)
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal)
  }
}
