import type { PlanWaiter } from '../plan/situation.ts'
import type { Joined, JoinRequest, PoolStatus } from './host.ts'
import type { ProcessIdentity } from './survivors.ts'

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
  /** The same, who goes first in front. */
  readonly #line: Waiting[] = []

  get size(): number {
    return this.#waiting.size
  }

  /** Ends by `take`, whose caller resolves or rejects it, by the signal, or by `end`. */
  add(id: number, request: JoinRequest, signal: AbortSignal | undefined, onLeft: () => void): Promise<Joined> {
    return new Promise((resolve, reject) => {
      const settled = () => {
        this.#remove(id)
        signal?.removeEventListener('abort', onAbort)
      }
      const onAbort = () => {
        settled()
        reject(signal?.reason)
        onLeft()
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#insert({
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

  /** Whether the process waits for slots. */
  hasAsker({ pid, startTime }: ProcessIdentity): boolean {
    return this.#line.some(({ request }) => request.pid === pid && request.startTime === startTime)
  }

  /** For who admits it. */
  take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#remove(id)
    return waiting
  }

  end(error: Error): void {
    for (const { reject } of [...this.#waiting.values()]) reject(error)
  }

  /** Those of whom one plan can let somebody in, where so many slots are the most that there can be. */
  planned(most: number): PlanWaiter[] {
    const planned: PlanWaiter[] = []
    let wanted = 0
    for (const { id, since, request } of this.#line) {
      const { min, max, priority } = request
      // Nobody's turn, until there are more slots; and behind those who want more than all there are, it is nobody's.
      if (min > most || (min > 0 && wanted > most)) continue
      wanted += min
      planned.push({ id, since, min, max, priority, order: request.since })
    }
    return planned
  }

  status(): PoolStatus['waiters'] {
    return this.#line.map(({ id, request: { pid, label, min, since, priority } }) => ({
      ...{ id, pid, label, since, priority },
      wants: min,
    }))
  }

  /** By priority, then by age: who was in line before a broker's death comes again with its old one. */
  #insert(waiting: Waiting): void {
    const { priority, since } = waiting.request
    const goesFirst = ({ request }: Waiting) =>
      request.priority > priority || (request.priority === priority && request.since <= since)
    let [low, high] = [0, this.#line.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (goesFirst(this.#line[middle]!)) low = middle + 1
      else high = middle
    }
    this.#line.splice(low, 0, waiting)
    this.#waiting.set(waiting.id, waiting)
  }

  #remove(id: number): void {
    const waiting = this.#waiting.get(id)
    if (!waiting) return
    this.#waiting.delete(id)
    this.#line.splice(this.#line.indexOf(waiting), 1)
  }
}
