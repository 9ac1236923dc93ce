interface Timer {
  at: number
  every: number | null
  call: () => void
}

const START = 1_700_000_000_000

/**
 * The clocks and timers that a store looks at, in simulated time: they stand still but for `advance`. What comes by
 * `setImmediate` comes by itself, as it does on any machine.
 */
export class SimClock implements Disposable {
  #ms = 0
  #last = 0
  readonly #timers = new Map<number, Timer>()
  readonly #restore: (() => void)[] = []

  constructor() {
    const hrtime = Object.assign(() => [Math.floor(this.#ms / 1000), (this.#ms % 1000) * 1e6], {
      bigint: () => BigInt(this.#ms) * 1_000_000n,
    })
    const begin = (call: (...args: unknown[]) => void, ms = 0, repeats = false, args: unknown[] = []) =>
      this.#begin(() => call(...args), Math.max(1, Number(ms) || 0), repeats)
    const end = (timer: unknown) => {
      if (timer) this.#timers.delete(Number(timer))
    }
    this.#replace(globalThis, 'setTimeout', (call: () => void, ms?: number, ...args: unknown[]) =>
      begin(call, ms, false, args),
    )
    this.#replace(globalThis, 'setInterval', (call: () => void, ms?: number, ...args: unknown[]) =>
      begin(call, ms, true, args),
    )
    this.#replace(globalThis, 'clearTimeout', end)
    this.#replace(globalThis, 'clearInterval', end)
    this.#replace(Date, 'now', () => START + this.#ms)
    this.#replace(performance, 'now', () => this.#ms)
    this.#replace(process, 'hrtime', hrtime)
  }

  /** What falls due meanwhile is called, each at its time. */
  advance(ms: number): void {
    const until = this.#ms + ms
    for (let next = this.#next(until); next; next = this.#next(until)) {
      const [id, timer] = next
      this.#ms = Math.max(this.#ms, timer.at)
      if (timer.every === null) this.#timers.delete(id)
      else timer.at += timer.every
      timer.call()
    }
    this.#ms = until
  }

  [Symbol.dispose](): void {
    for (const restore of this.#restore) restore()
  }

  #begin(call: () => void, ms: number, repeats: boolean): object {
    const id = ++this.#last
    this.#timers.set(id, { at: this.#ms + ms, every: repeats ? ms : null, call })
    const handle = {
      ref: () => handle,
      unref: () => handle,
      hasRef: () => true,
      [Symbol.toPrimitive]: () => id,
    }
    return handle
  }

  /** The first of those that are due by then. */
  #next(until: number): [number, Timer] | undefined {
    let first: [number, Timer] | undefined
    for (const entry of this.#timers) if (entry[1].at <= until && (!first || entry[1].at < first[1].at)) first = entry
    return first
  }

  #replace(of: object, name: string, by: unknown): void {
    const before = Object.getOwnPropertyDescriptor(of, name)
    Object.defineProperty(of, name, { value: by, configurable: true, writable: true })
    this.#restore.push(() => {
      if (before) Object.defineProperty(of, name, before)
      else Reflect.deleteProperty(of, name)
    })
  }
}
