const SIGNALS = [
  ...(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const),
  // Batch systems warn with these; SIGUSR1 would open Node's inspector, for anyone on this machine.
  ...(['SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGVTALRM', 'SIGXCPU'] as const),
]

export type EndingSignal = (typeof SIGNALS)[number]

/**
 * The signals that would end jobslot, caught from before the first slot is held until after the last is given back, with
 * no gap between the phases: a signal that comes while nobody is in charge waits for the next who is.
 */
export class Signals {
  #handler: ((signal: EndingSignal) => void) | null = null
  #pending: EndingSignal | null = null

  constructor() {
    for (const signal of SIGNALS) process.on(signal, this.#receive)
  }

  readonly #receive = (signal: NodeJS.Signals): void => {
    if (this.#handler) this.#handler(signal as EndingSignal)
    else this.#pending ??= signal as EndingSignal
  }

  /** A signal that came before anyone was in charge. */
  get pending(): EndingSignal | null {
    return this.#pending
  }

  /** Runs `phase` with `handler` in charge. */
  async during<T>(handler: (signal: EndingSignal) => void, phase: () => Promise<T>): Promise<T> {
    this.#handler = handler
    try {
      if (this.#pending) handler(this.#pending)
      return await phase()
    } finally {
      this.#handler = null
    }
  }
}

/** What a wait rejects with when a signal ended it. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  readonly signal: EndingSignal

  constructor(signal: EndingSignal) {
    super(`ended by ${signal}`)
    this.signal = signal
  }
}

/** By its name: in the bundle each file has a class of its own. */
export function isInterrupted(error: unknown): error is Interrupted {
  return error instanceof Error && error.name === 'Interrupted'
}
