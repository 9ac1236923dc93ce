/** So long a slot lies unused before it goes back to where others may have a use for it: a make takes its own again sooner. */
const SPARE_MS = 20

/** Tells when slots have been unused for a while. */
export class Spare {
  readonly #onSpare: (slots: number) => void
  #least = 0
  #timer: NodeJS.Timeout | undefined

  constructor(onSpare: (slots: number) => void) {
    this.#onSpare = onSpare
  }

  /** So many slots are unused now. */
  see(slots: number): void {
    if (slots === 0) {
      this.stop()
      return
    }
    this.#least = this.#timer ? Math.min(this.#least, slots) : slots
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#onSpare(this.#least)
    }, SPARE_MS).unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
