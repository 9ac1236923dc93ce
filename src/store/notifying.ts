import { Ask } from './ask.ts'
import type { Attention } from './attention.ts'
import type { Batch } from './batch.ts'
import type { Context } from './context.ts'
import type { Notification } from './notification.ts'
import { plainJson } from './options.ts'
import type { Parts, PullOptions } from './store-types.ts'
import * as targetOperations from './target-operations.ts'

/** Hands out notifications, and serves them at once where the store has a `respond`. */
export class Notifying {
  readonly #context: Context
  readonly #attention: Attention
  readonly #parts: Pick<Parts, 'respond' | 'onrespondfailure'>

  constructor(context: Context, attention: Attention, parts: Pick<Parts, 'respond' | 'onrespondfailure'>) {
    this.#context = context
    this.#attention = attention
    this.#parts = parts
  }

  pull({ wait = false, signal }: PullOptions = {}): Promise<Notification | undefined> {
    if (!wait) this.#attention.lookAtLives()
    return this.#claim(undefined, wait, signal)
  }

  /** Tells the targets of a job that has just finished, where this store is to do so. */
  async respond(id: number): Promise<void> {
    const { respond, onrespondfailure } = this.#parts
    if (!respond || !this.#context.engine.state.ringing.has(id)) return
    const pulled = await this.#claim(id, false, undefined)
    if (!pulled) return
    let served: readonly unknown[] = []
    try {
      served = (await respond(pulled)) ?? pulled.waiting
    } catch (error) {
      onrespondfailure?.(error, pulled)
    }
    await pulled.done(null, served)
  }

  #claim(id: number | undefined, wait: boolean, signal: AbortSignal | undefined): Promise<Notification | undefined> {
    const decide = (batch: Batch, ask: Ask<Notification | undefined>) =>
      targetOperations.pullNotification(this.#context, this.#done, batch, id, ask)
    return this.#attention.pull(decide, 'notification', wait, signal)
  }

  readonly #done = (notification: Notification, served: readonly unknown[]): Promise<void> => {
    const ask = new Ask<void>((batch) => targetOperations.notified(batch, notification, plainJson(served) as unknown[]))
    this.#context.engine.submit(ask)
    return ask.promise
  }
}
