/** No plan takes so many rounds to come to rest; the rest waits for the event loop's next turn. */
const MOST_ROUNDS = 16

/** Takes a step again and again until there is nothing more to do; asked for meanwhile, once more. */
export class Rounds {
  readonly #step: () => boolean
  #isRunning = false
  #again = false
  #timer: NodeJS.Timeout | undefined
  #soon: NodeJS.Timeout | undefined
  #isStopped = false

  /** `step` says whether it did something, after which there may be more to do. */
  constructor(step: () => boolean) {
    this.#step = step
  }

  run(): void {
    this.#again = true
    if (this.#isRunning || this.#isStopped) return
    this.#isRunning = true
    clearTimeout(this.#soon)
    this.#soon = undefined
    try {
      for (let round = 0; this.#again && round < MOST_ROUNDS; round++) {
        this.#again = false
        this.#again = this.#step() || this.#again
      }
    } finally {
      this.#isRunning = false
    }
    if (this.#again) setImmediate(() => this.run())
  }

  /** Once for all that happens within so many milliseconds. */
  runWithin(ms: number): void {
    if (ms === 0) this.run()
    else
      this.#soon ??= setTimeout(() => {
        this.#soon = undefined
        this.run()
      }, ms).unref()
  }

  /** The next time at the latest, by `performance.now`; null: not until somebody asks. */
  runAt(time: number | null): void {
    clearTimeout(this.#timer)
    if (time === null) return
    this.#timer = setTimeout(() => this.run(), Math.max(0, time - performance.now()))
    this.#timer.unref()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
    clearTimeout(this.#soon)
  }
}
