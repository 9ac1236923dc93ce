import type { Batch } from './batch.ts'
import type { Operation } from './engine.ts'

/** An operation with a promise for its answer. */
export class Ask<T> implements Operation {
  readonly promise: Promise<T>
  readonly #decide: (batch: Batch, ask: Ask<T>) => boolean
  #resolve!: (value: T) => void
  #reject!: (error: unknown) => void
  #answer: T | undefined
  #error: unknown
  #refused = false
  /** Instead of an answer; what is asked stays open. */
  deferred: (() => void) | undefined
  /** Called before the answer is given. */
  settled: (() => void) | undefined

  /** @param decide as in Operation; it may be called again, when another process was faster */
  constructor(decide: (batch: Batch, ask: Ask<T>) => boolean) {
    this.#decide = decide
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get current(): T | undefined {
    return this.#answer
  }

  answer(value: T): true {
    this.#answer = value
    return true
  }

  decide(batch: Batch): boolean {
    this.#refused = false
    this.deferred = undefined
    this.settled = undefined
    this.#answer = undefined
    try {
      return this.#decide(batch, this)
    } catch (error) {
      this.#error = error
      this.#refused = true
      return true
    }
  }

  settle(): void {
    if (this.#refused) this.#reject(this.#error)
    else if (this.deferred) this.deferred()
    else {
      this.settled?.()
      this.#resolve(this.#answer as T)
    }
  }

  fail(error: unknown): void {
    this.#reject(error)
  }
}
