import { JobslotError } from '../errors.ts'
import type { AcquireOptions } from './client.ts'
import type { Slot } from './slot.ts'

/** Runs functions in slots, with p-limit's face. */
export interface Limit {
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
  /** Runs `fn(item, index)` for each item; the results come in the order of the items. */
  map<Item, Result>(
    items: Iterable<Item>,
    fn: (item: Item, index: number) => Result | PromiseLike<Result>,
  ): Promise<Result[]>
}

export function makeLimit(client: { acquire(options: AcquireOptions): Promise<Slot> }): Limit {
  let active = 0
  let pending = 0
  let clearing = new AbortController()

  const limit = async (fn: (...args: unknown[]) => unknown, ...args: unknown[]): Promise<unknown> => {
    pending++
    let slot: Slot
    try {
      slot = await client.acquire({ signal: clearing.signal })
    } finally {
      pending--
    }
    active++
    try {
      return await fn(...args)
    } finally {
      active--
      slot.release()
    }
  }

  return Object.defineProperties(limit, {
    activeCount: { get: () => active },
    pendingCount: { get: () => pending },
    clearQueue: {
      value: () => {
        clearing.abort(new JobslotError('ERR_JOBSLOT_CLEARED', 'clearQueue() was called before a slot was free'))
        clearing = new AbortController()
      },
    },
    map: {
      value: (items: Iterable<unknown>, fn: (item: unknown, index: number) => unknown) =>
        Promise.all(Array.from(items, (item, index) => limit(fn as (...args: unknown[]) => unknown, item, index))),
    },
  }) as unknown as Limit
}
