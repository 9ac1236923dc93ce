import type { Attention } from './attention/attention.ts'
import { jsonsOf } from './calls/arguments.ts'
import type { PullOptions } from './calls/calls.ts'
import { Notification } from './claims/notification.ts'
import { Responder } from './claims/responder.ts'
import { Ask } from './engine/ask.ts'
import type { Batch } from './engine/batch.ts'
import type { Context } from './engine/context.ts'
import * as targetOperations from './engine/target-operations.ts'
import type { Parts } from './parts.ts'

/** Hands out notifications, and serves them at once where the store has a `respond`. */
export class Notifying {
  readonly #context: Context
  readonly #attention: Attention
  readonly #responder: Responder | undefined

  constructor(context: Context, attention: Attention, parts: Pick<Parts, 'respond' | 'onrespondfailure'>) {
    this.#context = context
    this.#attention = attention
    const { respond, onrespondfailure } = parts
    const claim = (id: number) => this.#claim(id, false, undefined)
    this.#responder = respond && new Responder(respond, onrespondfailure, claim)
  }

  pull({ wait = false, signal }: PullOptions = {}): Promise<Notification | undefined> {
    if (!wait) this.#attention.lookAtLives()
    return this.#claim(undefined, wait, signal)
  }

  /** Tells the targets of a job that has finished, where this store is to do so. */
  async respond(id: number): Promise<void> {
    if (this.#context.engine.state.extras.get(id)?.targets) await this.#responder?.tell(id)
  }

  /** @param id of this job only, and whether or not it is time to try again */
  #claim(id: number | undefined, wait: boolean, signal: AbortSignal | undefined): Promise<Notification | undefined> {
    const decide = (batch: Batch, ask: Ask<Notification | undefined>) =>
      targetOperations.pullNotification(this.#context, this.#done, batch, id, ask)
    return this.#attention.pull(decide, 'notification', wait, signal)
  }

  readonly #done = (notification: Notification, served: readonly unknown[]): Promise<void> => {
    const plain = jsonsOf(served)
    const ask = new Ask<void>((batch) => targetOperations.notified(batch, notification, plain))
    this.#context.engine.submit(ask)
    return Notification.claimOf(notification).ending(ask.promise)
  }
}
