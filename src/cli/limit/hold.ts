import type { Client } from '../../client/client.ts'
import type { Held } from '../../client/collect.ts'
import { collect, collectFree } from '../../client/collect.ts'
import { type Recipe, recipeOf, sweepRecipes } from '../../client/recipe.ts'
import { JobslotError } from '../../errors.ts'
import { tellIfSlow } from '../messages.ts'
import { Interrupted, type Signals } from '../signals.ts'
import { nameOf } from './limit-in-force.ts'

/** Slots that a command holds. */
export interface Holding {
  readonly slots: number
  release(): void
}

/**
 * Takes the slots that a command is to have, `timeout` in milliseconds.
 *
 * @throws JobslotError `ERR_JOBSLOT_TIMEOUT`, `ERR_JOBSLOT_STATE_DIR`; Interrupted. Then nothing is held.
 */
export async function holdSlots(
  client: Client,
  wanted: { min: number; max: number; timeout: number },
  signals: Signals,
  recipe = recipeOf(client.identity),
): Promise<Holding> {
  const free = signals.pending ? null : collectFree(client, recipe, wanted)
  const held = free ?? (await waitFor(client, wanted, signals, recipe))
  return {
    slots: held.length,
    release() {
      for (const slot of held.splice(0)) slot.release()
      client.close()
      sweepRecipes()
    },
  }
}

async function waitFor(
  client: Client,
  { min, max, timeout }: { min: number; max: number; timeout: number },
  signals: Signals,
  recipe: Recipe,
): Promise<Held[]> {
  const what = `${min} slot${min === 1 ? '' : 's'} of ${nameOf(client)}`
  const served = tellIfSlow(() => `waiting for ${what}, ${client.available} free now`)
  const [late, ended] = [new AbortController(), new AbortController()]
  const tooLate = () => late.abort(new JobslotError('ERR_JOBSLOT_TIMEOUT', `no ${what} within ${timeout / 1000} s`))
  const timer = timeout <= 0x7fffffff ? setTimeout(tooLate, timeout) : undefined
  try {
    return await signals.during(
      (signal) => ended.abort(new Interrupted(signal)),
      () => collect(client, recipe, { min, max, wait: timeout > 0, timeout: late.signal, signal: ended.signal }),
    )
  } finally {
    served()
    clearTimeout(timer)
  }
}
