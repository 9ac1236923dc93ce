import { IMPLICIT } from './slot-queue.ts'

/** Who holds slots; see `client.ts`. */
export interface SlotHolder {
  /** Position of the slot in the holder's list. */
  drop(slot: Slot): void
}

/**
 * Leave to run one job. Released once, by `release`, by `using`, or when its client closes or the process exits.
 */
export class Slot {
  /** The token's byte, -1 for the implicit slot. @internal */
  readonly token: number
  /** Where in the holder's list it stands, -1 once released. @internal */
  index: number
  readonly #holder: SlotHolder

  /** @internal */
  constructor(holder: SlotHolder, token: number, index: number) {
    this.#holder = holder
    this.token = token
    this.index = index
  }

  /** The slot this process has by having been started: it stands for no token. */
  get implicit(): boolean {
    return this.token === IMPLICIT
  }

  /** Gives the slot back. A second time, or after the client was closed, it does nothing. */
  release(): void {
    if (this.index >= 0) this.#holder.drop(this)
  }

  /** The same as `release`, for `using`. */
  [Symbol.dispose](): void {
    this.release()
  }
}

/** One who waits for a slot. Exactly one of the two is called, once. @internal */
export interface SlotWaiter {
  deliver(slot: Slot): void
  fail(error: unknown): void
}
