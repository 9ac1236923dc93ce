import { native } from '../native/load.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
let installed = false

/**
 * From now on a signal that ends the process first gives back every token that is out. Where the program listens for
 * the signal itself, this stays out of its way: the tokens go back when it exits.
 */
export function releaseOnSignal(): void {
  if (installed) return
  installed = true
  for (const signal of SIGNALS) {
    const onSignal = () => {
      if (process.listenerCount(signal) > 1) return
      native().stop()
      process.off(signal, onSignal)
      process.kill(process.pid, signal)
    }
    process.on(signal, onSignal)
  }
}
