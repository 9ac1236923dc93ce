import type { Appender } from '../disk/disk.ts'

interface Settled {
  settle(): void
  fail(error: unknown): void
}

/** Lets answers go when what they rest on is on disk: one sync for all that wait, one at a time. */
export class Durability {
  readonly #appender: Appender
  readonly #synced: boolean
  readonly #abandon: () => Promise<void>
  #waiting: { position: number; who: Settled }[] = []
  #syncing: Promise<void> | undefined

  /**
   * @param synced false: nothing is waited for
   * @param abandon brings what a failed sync has left in doubt to another segment, synced, or fails
   */
  constructor(appender: Appender, synced: boolean, abandon: () => Promise<void>) {
    this.#appender = appender
    this.#synced = synced
    this.#abandon = abandon
  }

  /** @param isLast nothing more is appended before the event loop turns */
  settle(all: readonly Settled[], position: number, isLast = false): void {
    if (this.isDurable(position) || (isLast && !this.#syncing && this.#appender.syncNow(position))) {
      for (const who of all) who.settle()
      return
    }
    for (const who of all) this.#waiting.push({ position, who })
    if (this.#syncing || this.#waiting.length === 0) return
    this.#syncing = this.#sync()
  }

  isDurable(position: number): boolean {
    return !this.#synced || this.#appender.durable() >= position
  }

  /** Resolves when all up to there is on disk. */
  reached(position: number): Promise<void> | undefined {
    if (this.isDurable(position)) return undefined
    return new Promise((resolve, reject) => this.settle([{ settle: resolve, fail: reject }], position))
  }

  async settled(): Promise<void> {
    while (this.#syncing) await this.#syncing
  }

  async #sync(): Promise<void> {
    while (this.#waiting.length > 0) {
      let error: unknown
      try {
        await this.#appender.sync(this.#furthest())
      } catch (cause) {
        error = await this.#abandon().then(
          () => undefined,
          (worse) => worse ?? cause,
        )
      }
      this.#answer(error)
    }
    // Here, and not a moment after: who asks meanwhile would be left waiting.
    this.#syncing = undefined
  }

  /** Who only reads may wait for less than those before it. */
  #furthest(): number {
    return this.#waiting.reduce((most, { position }) => Math.max(most, position), 0)
  }

  /** Those whose bytes are on disk; after an error, all. */
  #answer(error: unknown): void {
    const durable = this.#appender.durable()
    const waiting = this.#waiting
    const isAnswered = ({ position }: { position: number }) => error !== undefined || position <= durable
    this.#waiting = waiting.filter((one) => !isAnswered(one))
    for (const { who } of waiting.filter(isAnswered)) {
      if (error === undefined) who.settle()
      else who.fail(error)
    }
  }
}
