/** A claim as its holder sees it: a signal that is aborted when it is lost. The signal is made when it is asked for. */
export class Claim {
  /** Called once, with the reason, when the claim is lost. */
  oncompromised: ((reason: unknown) => void) | undefined
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

  /** What it was lost by; undefined where it was not. */
  get lost(): { reason: unknown } | undefined {
    return this.#lost
  }

  lose(reason: unknown): void {
    if (this.#lost || this.ended) return
    this.#lost = { reason }
    this.#controller?.abort(reason)
    this.oncompromised?.(reason)
  }
}
