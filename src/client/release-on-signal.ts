const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * What a signal is to do in this process. It lies behind a registered symbol: with two copies of this package in one
 * program, the listener of one gives back what the other took, and neither takes the other's for the program's own.
 */
interface OnSignal {
  listening: boolean
  readonly stops: Set<() => void>
}

const KEY = Symbol.for('jobslot.signals.1')

function onSignal(): OnSignal {
  const holder = globalThis as { [KEY]?: OnSignal }
  holder[KEY] ??= { listening: false, stops: new Set() }
  return holder[KEY]
}

/** `stop` gives back every token that is out; where `releaseOnSignal` was asked for, before a signal ends the process. */
export function stopOnSignal(stop: () => void): void {
  onSignal().stops.add(stop)
}

/**
 * From now on a signal that ends the process first gives back every token that is out. Where the program listens for
 * the signal itself, this stays out of its way: the tokens go back when it exits.
 */
export function releaseOnSignal(): void {
  const shared = onSignal()
  if (shared.listening) return
  shared.listening = true
  for (const signal of SIGNALS) {
    const listener = () => {
      if (process.listenerCount(signal) > 1) return
      for (const stop of shared.stops) stop()
      process.off(signal, listener)
      process.kill(process.pid, signal)
    }
    process.on(signal, listener)
  }
}
