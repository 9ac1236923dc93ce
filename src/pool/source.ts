import type { Client } from '../client/client.ts'
import type { Slot } from '../client/slot.ts'

/** Where a pool's slots come from. */
export interface SlotSource {
  /** The most slots that there can be. */
  readonly most: number
  /** Those that the pool may hand out at this moment. */
  readonly slots: number
  /** Whether what is not used goes back to somebody who may have a use for it. */
  readonly returns: boolean
  /** Once, before all else: what to call when `slots` has changed by itself. */
  start(onChange: () => void): void
  /** How many slots more could be used now. */
  want(lack: number): void
  /** Gives back slots that the pool has free; at least one stays. */
  giveBack(count: number): void
  resize(slots: number): void
  close(): void
}

/** So many slots, and nobody else's. */
export function fixedSource(slots: number): SlotSource {
  let most = slots
  return {
    get most() {
      return most
    },
    get slots() {
      return most
    },
    returns: false,
    start() {},
    want() {},
    giveBack() {},
    resize(slots) {
      most = slots
    },
    close() {},
  }
}

/**
 * Slots of the limit that this process runs under: the `own` that its caller holds already, and up to `most` in all, each
 * drawn when it is wanted and given back when it is not. So a limit within a limit is never above either.
 */
export function jobserverSource(client: Client, most: number, own: 0 | 1 = 1): SlotSource {
  const drawn: Slot[] = []
  const ended = new AbortController()
  let limit = most
  let onChange = () => {}
  let lack = 0
  let waiting = false
  let isGone = false

  const draw = async () => {
    waiting = true
    try {
      while (lack > 0 && drawn.length + own < limit && !ended.signal.aborted) {
        const slot = await client.acquire({ signal: ended.signal })
        // The pool can have closed since the slot was delivered.
        if (ended.signal.aborted) return slot.release()
        drawn.push(slot)
        lack--
        onChange()
      }
    } catch {
      // By the pool's end, or because that limit has no more to give.
      isGone = true
    } finally {
      waiting = false
    }
  }

  return {
    get most() {
      return limit
    },
    get slots() {
      return Math.min(limit, drawn.length + own)
    },
    returns: true,
    start(listener) {
      onChange = listener
    },
    want(count) {
      lack = count
      if (count > 0 && !waiting && !isGone) void draw()
    },
    giveBack(count) {
      for (const slot of drawn.splice(Math.max(0, drawn.length - count))) slot.release()
    },
    resize(slots) {
      limit = Math.min(most, slots)
    },
    close() {
      ended.abort()
      for (const slot of drawn.splice(0)) slot.release()
    },
  }
}
