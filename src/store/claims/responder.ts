import type { Notification } from './notification.ts'

/**
 * Tells a notification's targets, in this process. Answers with those that were told, all where it answers with nothing;
 * the others stay. It need not call `done`.
 */
export type Respond = (
  notification: Notification,
) => readonly unknown[] | undefined | Promise<readonly unknown[] | undefined>

/** `respond` has thrown, or the word that the targets were told could not be written. The targets stay. */
export type RespondFailure = (error: unknown, notification: Notification) => void

interface Run {
  over: Promise<void>
  /** For targets that came when those of this run were read already. */
  next: Promise<void> | undefined
}

/**
 * Tells the targets of finished jobs in this process: of one job in one run at a time, so that no target is told twice at
 * once, and none that comes meanwhile is left.
 */
export class Responder {
  readonly #respond: Respond
  readonly #onfailure: RespondFailure | undefined
  readonly #pull: (id: number) => Promise<Notification | undefined>
  readonly #runs = new Map<number, Run>()

  /** @param pull claims the job's targets, if there are any */
  constructor(
    respond: Respond,
    onfailure: RespondFailure | undefined,
    pull: (id: number) => Promise<Notification | undefined>,
  ) {
    this.#respond = respond
    this.#onfailure = onfailure
    this.#pull = pull
  }

  /** Resolves when all targets that the job has now were told, or could not be: it never rejects. */
  tell(id: number): Promise<void> {
    const run = this.#runs.get(id)
    if (!run) return this.#start(id)
    run.next ??= run.over.then(() => this.#start(id))
    return run.next
  }

  #start(id: number): Promise<void> {
    const run: Run = { over: this.#tellOnce(id), next: undefined }
    this.#runs.set(id, run)
    run.over = run.over.finally(() => {
      if (!run.next) this.#runs.delete(id)
    })
    return run.over
  }

  async #tellOnce(id: number): Promise<void> {
    // Whoever tells of the job's end has it on disk by now: what fails here takes nothing of that back.
    const notification = await this.#pull(id).catch(() => undefined)
    if (!notification) return
    let served: readonly unknown[] = []
    try {
      served = (await this.#respond(notification)) ?? notification.waiting
      if (!Array.isArray(served))
        throw new TypeError('respond must answer with an array of the targets told, or nothing')
    } catch (error) {
      served = []
      this.#failed(error, notification)
    }
    await notification.done(null, served).catch((error) => this.#failed(error, notification))
  }

  #failed(error: unknown, notification: Notification): void {
    // By itself, so that what it throws is uncaught, and nobody's answer.
    queueMicrotask(() => this.#onfailure?.(error, notification))
  }
}
