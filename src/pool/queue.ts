import type { PlanWaiter } from '../plan/plan.ts'
import type { Joined, JoinRequest, PoolStatus } from './host.ts'

interface Waiting {
  id: number
  /** By the clock of plans. */
  since: number
  request: JoinRequest
  resolve(joined: Joined): void
  reject(error: unknown): void
}

/** Those who wait for their first slots. Who goes first is the plan's to say. */
export class Queue {
  readonly #waiting = new Map<number, Waiting>()

  get size(): number {
    return this.#waiting.size
  }

  /** Ends by `take`, whose caller resolves or rejects it, by the signal, or by `end`. */
  add(id: number, request: JoinRequest, signal: AbortSignal | undefined, onLeft: () => void): Promise<Joined> {
    return new Promise((resolve, reject) => {
      const settled = () => {
        this.#waiting.delete(id)
        signal?.removeEventListener('abort', onAbort)
      }
      const onAbort = () => {
        settled()
        reject(signal?.reason)
        onLeft()
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.set(id, {
        id,
        since: performance.now(),
        request,
        resolve: (joined) => {
          settled()
          resolve(joined)
        },
        reject: (error) => {
          settled()
          reject(error)
        },
      })
    })
  }

  /** For who admits it. */
  take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    return waiting
  }

  end(error: Error): void {
    for (const { reject } of [...this.#waiting.values()]) reject(error)
  }

  planned(): PlanWaiter[] {
    return Array.from(this.#waiting.values(), ({ id, since, request }) => ({
      ...{ id, since, min: request.min, max: request.max, priority: request.priority },
      // Who was in line before a broker's death comes again with a new number, and keeps its place.
      order: request.since,
    }))
  }

  status(): PoolStatus['waiters'] {
    return Array.from(this.#waiting.values(), ({ id, request: { pid, label, min, since, priority } }) => ({
      ...{ id, pid, label, since, priority },
      wants: min,
    }))
  }
}
