/** A claim as its holder sees it: a signal that is aborted when it is lost. The signal is made when it is asked for. */
export class Claim {
  #callback: ((reason: unknown) => void) | undefined
  #called = false
  #controller: AbortController | undefined
  #lost: { reason: unknown } | undefined
  /** Its holder is ending it, or has. */
  ended = false

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#lost) this.#controller.abort(this.#lost.reason)
    }
    return this.#controller.signal
  }

  /** Called once, with the reason, when the claim is lost; soon after it is set, where that has happened already. */
  get oncompromised(): ((reason: unknown) => void) | undefined {
    return this.#callback
  }

  set oncompromised(callback: ((reason: unknown) => void) | undefined) {
    this.#callback = callback
    if (this.#lost) this.#tell()
  }

  /** What it was lost by; undefined where it was not. */
  get lost(): { reason: unknown } | undefined {
    return this.#lost
  }

  lose(reason: unknown): void {
    if (this.#lost || this.ended) return
    this.#lost = { reason }
    this.#controller?.abort(reason)
    this.#tell()
  }

  /** Where its end fails, it is held still. */
  async ending(end: Promise<void>): Promise<void> {
    try {
      await end
    } catch (error) {
      this.ended = false
      throw error
    }
  }

  /** By itself: the store is in the midst of something, which what the callback throws must not end. */
  #tell(): void {
    queueMicrotask(() => {
      if (!this.#callback || this.#called) return
      this.#called = true
      this.#callback(this.#lost?.reason)
    })
  }
}
