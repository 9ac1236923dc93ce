import { closeSync, constants, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { basename } from 'node:path'
import { JobslotError } from '../errors.ts'
import { mkfifo, poll } from '../fd.ts'
import type { Client } from './client.ts'
import type { Recipe, SlotLock } from './recipe.ts'
import { trace, tracing } from './trace.ts'

/** One slot as a command holds it: a token, or a recipe's implicit slot. */
export interface Held {
  release(): void
  /** Of a slot that another recipe lends: whether that recipe may be over by now, and the slot with it. */
  isRecalled?(): boolean
}

const NOT_FREE = 'not enough slots are free at this moment'

export interface Collecting {
  min: number
  max: number
  /** Whether to wait at all. */
  wait: boolean
  /** Ends the patience, for the reason it gives. */
  timeout: AbortSignal
  /** Ends everything at once. */
  signal: AbortSignal
}

/**
 * Collects at least `min` slots for one command, waiting until the timeout or the signal, and up to `max` of what is
 * free at that instant. `client` must leave the implicit slot to `recipe`.
 *
 * Two who collect several slots at once could each hold what the other lacks, for ever. So one at a time collects, in
 * its turn, and those behind it lend it their recipes' implicit slots, which they do not use while they wait.
 *
 * A recipe that ends gives its slot to the server. So whose slot is in use by another command must have it back before
 * it goes on: it takes no others in its place, and stays even past its timeout.
 *
 * @throws JobslotError `ERR_JOBSLOT_TIMEOUT` where it may not wait; the reason of either signal. Then nothing is held.
 */
export async function collect(client: Client, recipe: Recipe, collecting: Collecting): Promise<Held[]> {
  const { min, max, wait, timeout, signal } = collecting
  const end = AbortSignal.any([signal, timeout])
  end.throwIfAborted()
  const held: Held[] = []
  let lends = false
  try {
    takeFree(client, recipe, held, min)
    if (held.length < min && !wait) throw new JobslotError('ERR_JOBSLOT_TIMEOUT', NOT_FREE)
    if (held.length < min && min === 1) held.push(await firstOf(client, recipe, end))
    if (held.length < min) {
      release(held)
      lends = true
      await takeTurn(recipe, end)
      try {
        await untilReturned(recipe.slot, end)
        await collectInTurn(client, recipe, held, min, end)
      } finally {
        recipe.turn.unlock()
      }
    }
    takeFree(client, recipe, held, max)
    // It can have come together with the last slot.
    signal.throwIfAborted()
    return held
  } catch (error) {
    release(held)
    if (lends) await untilReturned(recipe.slot, signal)
    throw error
  }
}

/** The same of what is free at this instant; null where that is not enough. Most are served so, and need no clock. */
export function collectFree(client: Client, recipe: Recipe, { min, max }: { min: number; max: number }): Held[] | null {
  const held: Held[] = []
  try {
    takeFree(client, recipe, held, max)
    if (held.length >= min) return held
  } catch (error) {
    release(held)
    throw error
  }
  release(held)
  return null
}

async function untilReturned(slot: SlotLock, signal: AbortSignal): Promise<void> {
  while (slot.isBorrowed()) {
    await slot.lock(signal)
    slot.unlock()
  }
}

function release(held: Held[]): void {
  for (const slot of held.splice(0)) slot.release()
}

/** What can be had without waiting, up to `count` in all. The implicit slot first: it costs nobody a token. */
function takeFree(client: Client, recipe: Recipe, held: Held[], count: number): void {
  if (held.length < count && !recipe.slot.isHeld && recipe.slot.tryLock()) held.push(heldLock(recipe.slot))
  while (held.length < count) {
    const slot = client.tryAcquire()
    if (!slot) return
    held.push(slot)
  }
}

function borrowedLock(lock: SlotLock): Held {
  lock.markBorrowed()
  return { ...heldLock(lock), isRecalled: () => !lock.isLent() }
}

function heldLock(lock: SlotLock): Held {
  if (tracing) trace('took the implicit slot of process %s', basename(lock.path))
  return {
    release() {
      lock.unlock()
      if (tracing) trace('gave back the implicit slot of process %s', basename(lock.path))
    },
  }
}

/** The recipe's implicit slot or a token, whichever comes first. */
async function firstOf(client: Client, recipe: Recipe, signal: AbortSignal): Promise<Held> {
  const decided = new AbortController()
  const either = AbortSignal.any([signal, decided.signal])
  const both: Promise<Held>[] = [recipe.slot.lock(either).then(() => heldLock(recipe.slot)), nextToken(client, either)]
  let won: Held | undefined
  try {
    won = await Promise.race(both)
    return won
  } finally {
    decided.abort()
    for (const end of await Promise.allSettled(both)) {
      // Both can come at once.
      if (end.status === 'fulfilled' && end.value !== won) end.value.release()
    }
  }
}

/** Where there are no tokens at all, this waits for the signal: the implicit slots are all there is. */
async function nextToken(client: Client, signal: AbortSignal): Promise<Held> {
  try {
    return await client.acquire({ signal })
  } catch (error) {
    if (!(error instanceof JobslotError && error.code === 'ERR_JOBSLOT_GONE')) throw error
    await once(signal)
    throw signal.reason
  }
}

function once(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Waits for the turn, lending the recipe's implicit slot to whoever collects meanwhile. */
async function takeTurn(recipe: Recipe, signal: AbortSignal): Promise<void> {
  recipe.slot.lend()
  try {
    ring(recipe.bell)
    await recipe.turn.lock(signal)
  } finally {
    recipe.slot.takeBack()
    ring(recipe.bell)
  }
}

async function collectInTurn(
  client: Client,
  recipe: Recipe,
  held: Held[],
  count: number,
  signal: AbortSignal,
): Promise<void> {
  const bell = openBell(recipe.bell)
  try {
    for (;;) {
      takeFree(client, recipe, held, count)
      const lent = recipe.others().filter((other) => other.isLent())
      for (const other of lent) {
        if (held.length < count && other.tryLock()) held.push(borrowedLock(other))
      }
      giveBackRecalled(held)
      if (held.length >= count) return
      const busy = [recipe.slot, ...lent].filter((lock) => !lock.isHeld)
      await oneMore(client, recipe, busy, bell, held, signal)
      giveBackRecalled(held)
      while (held.length > count) held.pop()?.release()
    }
  } finally {
    closeSync(bell)
    rmSync(recipe.bell, { force: true })
  }
}

function giveBackRecalled(held: Held[]): void {
  for (const slot of held.filter((slot) => slot.isRecalled?.())) {
    held.splice(held.indexOf(slot), 1)
    slot.release()
  }
}

/** Waits until at least one slot more is held, or the bell says that there is reason to look again. */
async function oneMore(
  client: Client,
  recipe: Recipe,
  busy: SlotLock[],
  bell: number,
  held: Held[],
  signal: AbortSignal,
): Promise<void> {
  const decided = new AbortController()
  const either = AbortSignal.any([signal, decided.signal])
  const all = [
    nextToken(client, either).then((slot) => held.push(slot)),
    ...busy.map((lock) =>
      lock.lock(either).then(() => held.push(lock === recipe.slot ? heldLock(lock) : borrowedLock(lock))),
    ),
    poll(bell, 'read', { signal: either }).then(() => drain(bell)),
  ]
  try {
    await Promise.race(all)
  } finally {
    decided.abort()
    await Promise.allSettled(all)
  }
}

function openBell(path: string): number {
  for (;;) {
    try {
      return openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    try {
      mkfifo(path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
}

/** Where nobody collects, nobody need hear: whoever comes looks before it waits. */
function ring(path: string): void {
  let bell: number
  try {
    bell = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch {
    return
  }
  try {
    writeSync(bell, '!')
  } catch {
    // Full: it rings already.
  } finally {
    closeSync(bell)
  }
}

function drain(bell: number): void {
  try {
    readSync(bell, Buffer.alloc(256))
  } catch {
    // Already empty.
  }
}
