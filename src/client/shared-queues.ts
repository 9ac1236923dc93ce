import { isMainThread } from 'node:worker_threads'
import { SlotQueue } from './slot-queue.ts'
import type { TokenSource } from './token-source.ts'

/**
 * The queues of this process, by jobserver. They lie behind a registered symbol, so that two copies of this package in
 * one program share the one implicit slot. The number is that of the contract of SlotQueue's methods.
 */
const KEY = Symbol.for('jobslot.queues.1')

function queues(): Map<string, SlotQueue> {
  const holder = globalThis as { [KEY]?: Map<string, SlotQueue> }
  holder[KEY] ??= new Map()
  return holder[KEY]
}

/** The queue of the jobserver `identity`, made with `makeSource` where there is none yet. */
export function sharedQueue(identity: string, makeSource: () => TokenSource): SlotQueue {
  const all = queues()
  let queue = all.get(identity)
  if (!queue) {
    // The implicit slot belongs to the process, so to its main thread.
    queue = new SlotQueue(makeSource(), { implicit: isMainThread, onClosed: () => all.delete(identity) })
    all.set(identity, queue)
  }
  return queue
}
