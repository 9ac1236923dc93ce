import { JobslotError } from '../errors.ts'
import type { Slot, SlotWaiter } from './slot.ts'

/** Runs functions in slots, with p-limit's face. */
export interface Limit {
  /** Runs `fn(...args)` when there is a slot. Resolves to what it returns; rejects with what it throws, or as `acquire`. */
  <Arguments extends unknown[], Result>(
    fn: (...args: Arguments) => Result | PromiseLike<Result>,
    ...args: Arguments
  ): Promise<Result>
  /** How many functions run now. */
  readonly activeCount: number
  /** How many wait for a slot. */
  readonly pendingCount: number
  /** Gives up those that wait: their promises reject with `ERR_JOBSLOT_CLEARED`. */
  clearQueue(): void
  /**
   * Runs `fn(item, index)` for each item; the results come in the order of the items. Rejects with the first error; what
   * has begun by then goes on.
   */
  map<Item, Result>(
    items: Iterable<Item>,
    fn: (item: Item, index: number) => Result | PromiseLike<Result>,
  ): Promise<Result[]>
}

/** What a limit wants of a client. */
interface Slots {
  tryAcquire(): Slot | null
  enqueue(waiter: SlotWaiter): void
  fail(waiter: SlotWaiter, reason: unknown): void
}

export function makeLimit(client: Slots): Limit {
  const waiting = new Set<SlotWaiter>()
  let active = 0

  // Counted when the slot is given, not when `fn` starts a moment later: whoever looks in between is told the truth.
  const nextSlot = () =>
    new Promise<Slot>((resolve, reject) => {
      const start = (slot: Slot) => {
        active++
        resolve(slot)
      }
      const free = client.tryAcquire()
      if (free) {
        start(free)
        return
      }
      const waiter: SlotWaiter = {
        deliver(slot) {
          waiting.delete(waiter)
          start(slot)
        },
        fail(error) {
          waiting.delete(waiter)
          reject(error)
        },
      }
      waiting.add(waiter)
      client.enqueue(waiter)
    })

  const limit = async (fn: (...args: unknown[]) => unknown, ...args: unknown[]): Promise<unknown> => {
    const slot = await nextSlot()
    try {
      return await fn(...args)
    } finally {
      active--
      slot.release()
    }
  }

  return Object.defineProperties(limit, {
    activeCount: { get: () => active },
    pendingCount: { get: () => waiting.size },
    clearQueue: {
      value: () => {
        const cleared = new JobslotError('ERR_JOBSLOT_CLEARED', 'clearQueue() was called before a slot was free')
        for (const waiter of [...waiting]) client.fail(waiter, cleared)
      },
    },
    map: {
      value: async (items: Iterable<unknown>, fn: (item: unknown, index: number) => unknown) => {
        const started: Promise<unknown>[] = []
        try {
          for (const item of items) {
            started.push(limit(fn as (...args: unknown[]) => unknown, item, started.length))
          }
        } catch (error) {
          // The items themselves threw: nobody will look at what was started.
          for (const promise of started) promise.catch(() => {})
          throw error
        }
        return Promise.all(started)
      },
    },
  }) as unknown as Limit
}
