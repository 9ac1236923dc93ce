import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Collecting, Held } from '../../src/client/collect.ts'
import { collect } from '../../src/client/collect.ts'
import { FifoLock } from '../../src/client/fifo-lock.ts'
import type { Recipe } from '../../src/client/recipe.ts'
import type { Slot } from '../../src/index.ts'
import { connect } from '../../src/index.ts'
import { tempDir, waitFor } from '../support/processes.ts'

const never = new AbortController().signal

/** A build in this process: tokens, and recipes that each have a slot. A lock does not mind who shares its process. */
class Build {
  readonly folder = join(tempDir(), 'recipes')
  readonly client
  readonly #slots: number
  readonly #ofRecipes: Slot[] = []
  /** Slots that commands hold, and the most that they have held at once. */
  held = 0
  most = 0

  /** `recipes` have begun, each in a slot for which the server has taken a token. */
  constructor(tokens: number, recipes: number) {
    this.#slots = tokens + recipes
    this.client = connect({ fallback: this.#slots, env: {} })
    for (let i = 0; i < recipes; i++) this.#ofRecipes.push(this.client.tryAcquire()!)
  }

  /** A recipe is over, and its slot is a token again. */
  endRecipe(): void {
    this.#ofRecipes.pop()!.release()
  }

  recipe(name: string): Recipe {
    return {
      slot: new FifoLock(join(this.folder, name)),
      turn: new FifoLock(join(this.folder, 'turn')),
      bell: join(this.folder, 'bell'),
      others: () =>
        this.files()
          .filter((other) => /^\d+-\d+$/.test(other) && other !== name)
          .map((other) => new FifoLock(join(this.folder, other))),
    }
  }

  files(): string[] {
    return existsSync(this.folder) ? readdirSync(this.folder) : []
  }

  /** Whether some command has the slot of this recipe, which has begun to wait. */
  isTaken(name: string): boolean {
    if (!this.files().includes(name)) return false
    const { slot } = this.recipe(name)
    const free = slot.tryLock()
    slot.unlock()
    return !free
  }

  async take(name: string, min: number, max = min, ends: Partial<Collecting> = {}): Promise<Held[]> {
    const patience = { wait: true, timeout: AbortSignal.timeout(20_000), signal: never, ...ends }
    const held = await collect(this.client, this.recipe(name), { min, max, ...patience })
    this.held += held.length
    this.most = Math.max(this.most, this.held)
    return held
  }

  give(held: Held[]): void {
    this.held -= held.length
    for (const slot of held) slot.release()
  }

  /** Nothing is held, nothing lies about. */
  expectQuiet(): void {
    expect(this.held).toBe(0)
    expect(this.files()).toEqual([])
    expect(this.client.available + this.#ofRecipes.length).toBe(this.#slots)
  }
}

describe('collect', () => {
  test.for<[string, number, number, number, number]>([
    ["the recipe's own slot comes first, and costs no token", 3, 1, 1, 1],
    ['then tokens', 3, 3, 3, 3],
    ['all there is', 3, 4, 4, 4],
    ['no more than asked for', 3, 1, 2, 2],
    ['no more than there is', 3, 2, 9, 4],
    ['one, where there are no tokens', 0, 1, 9, 1],
  ])('%s', async ([, tokens, min, max, got]) => {
    const build = new Build(tokens, 1)
    const held = await build.take('1-1', min, max)
    expect(held).toHaveLength(got)
    expect(build.client.available).toBe(tokens + 1 - got)
    build.give(held)
    build.expectQuiet()
  })

  test('does not wait where it may not, and holds nothing then', async () => {
    const build = new Build(2, 2)
    const held = await build.take('1-1', 1)
    await expect(build.take('2-2', 4, 4, { wait: false })).rejects.toMatchObject({ code: 'ERR_JOBSLOT_TIMEOUT' })
    await expect(build.take('1-1', 3, 3, { wait: false })).rejects.toMatchObject({ code: 'ERR_JOBSLOT_TIMEOUT' })
    expect(build.client.available).toBe(2)
    build.give(held)
    build.expectQuiet()
  })

  test("one slot: the recipe's or a token, whichever comes first", async () => {
    const build = new Build(1, 1)
    const [own, token] = [await build.take('1-1', 1), await build.take('1-1', 1)]
    const waiting = [build.take('1-1', 1), build.take('1-1', 1)]
    await turn()
    build.give(token)
    build.give(own)
    for (const held of await Promise.all(waiting)) {
      expect(held).toHaveLength(1)
      build.give(held)
    }
    expect(build.most).toBe(2)
    build.expectQuiet()
  })

  test('recipes that all want all there is get it, one after the other', async () => {
    const build = new Build(2, 3)
    const all = ['1-1', '2-2', '3-3'].map(async (name) => {
      const held = await build.take(name, 5)
      expect(build.held).toBe(5)
      await sleep(10)
      build.give(held)
      build.endRecipe()
    })
    await Promise.all(all)
    build.expectQuiet()
  })

  test('what waits for its turn is lent; what does not wait is not', async () => {
    const build = new Build(1, 3)
    const first = await build.take('1-1', 2)
    const second = build.take('2-2', 3)
    await waitFor(() => build.files().includes('bell'))
    build.give(first)
    // Its own slot and the token are all there is for it.
    await sleep(50)
    expect(build.held).toBe(0)
    const third = build.take('3-3', 2)
    const held = await second
    expect(held).toHaveLength(3)
    build.give(held)
    build.give(await third)
    build.expectQuiet()
  })

  test.for(['signal', 'timeout'] as const)('a %s ends the wait in turn, and all is given back', async (which) => {
    const build = new Build(2, 2)
    const end = new AbortController()
    const waiting = build.take('1-1', 4, 4, { [which]: end.signal })
    await waitFor(() => build.files().includes('bell'))
    await waitFor(() => build.client.available === 0)
    end.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    build.expectQuiet()
  })

  test.for(['signal', 'timeout'] as const)('a slot that was lent is not counted after a %s', async (which) => {
    const build = new Build(1, 3)
    // Of four slots the third recipe uses its own for something else.
    const first = build.take('1-1', 4)
    await waitFor(() => build.files().includes('bell'))
    const end = new AbortController()
    const second = build.take('2-2', 4, 4, { [which]: end.signal })
    await waitFor(() => build.isTaken('2-2'))
    end.abort(new Error('enough'))
    await expect(second).rejects.toThrow('enough')
    // Its slot is a token now, which the first takes; that and the lent one would be two.
    build.endRecipe()
    await waitFor(() => build.client.available === 0)
    await sleep(50)
    expect(build.held).toBe(0)
    build.endRecipe()
    const held = await first
    expect(held).toHaveLength(4)
    expect(build.files()).not.toContain('2-2')
    build.give(held)
    build.expectQuiet()
  })

  test.for(['signal', 'timeout'] as const)('what was lent is there again for its recipe after a %s', async (which) => {
    const build = new Build(1, 3)
    const first = build.take('1-1', 4)
    await waitFor(() => build.files().includes('bell'))
    const end = new AbortController()
    const second = build.take('2-2', 4, 4, { [which]: end.signal })
    await waitFor(() => build.isTaken('2-2'))
    const sibling = build.take('2-2', 1)
    second.catch(() => {})
    end.abort(new Error('enough'))
    build.give(await sibling)
    await expect(second).rejects.toThrow('enough')
    build.endRecipe()
    build.endRecipe()
    build.give(await first)
    build.expectQuiet()
  })

  describe('whose slot is in use by another command', () => {
    async function borrowed(more = 0) {
      const build = new Build(1, 2 + more)
      const first = build.take('1-1', 3)
      await waitFor(() => build.files().includes('bell'))
      const ends = { timeout: new AbortController(), signal: new AbortController() }
      let settled = false
      const lender = build.take('2-2', 3, 3, { timeout: ends.timeout.signal, signal: ends.signal.signal })
      const end = lender.then(
        (held) => `held ${held.length}`,
        (error: Error) => error.message,
      )
      end.then(() => {
        settled = true
      })
      return { build, held: await first, ends, end, settled: () => settled }
    }

    test('takes no other in its place', async () => {
      const { build, held, end, settled } = await borrowed(2)
      build.endRecipe()
      build.endRecipe()
      await sleep(100)
      expect(settled()).toBe(false)
      expect(build.client.available).toBe(2)
      build.give(held)
      expect(await end).toBe('held 3')
      expect(build.client.available).toBe(1)
    })

    test('stays past its timeout until it has it back', async () => {
      const { build, held, ends, end, settled } = await borrowed()
      ends.timeout.abort(new Error('too late'))
      await sleep(100)
      expect(settled()).toBe(false)
      build.give(held)
      expect(await end).toBe('too late')
      build.expectQuiet()
    })

    test('goes at once at a signal', async () => {
      const { build, held, ends, end } = await borrowed()
      ends.signal.abort(new Error('interrupted'))
      expect(await end).toBe('interrupted')
      build.give(held)
      build.expectQuiet()
    })

    test('goes at a signal that comes after its timeout', async () => {
      const { build, held, ends, end, settled } = await borrowed()
      ends.timeout.abort(new Error('too late'))
      await sleep(50)
      expect(settled()).toBe(false)
      ends.signal.abort(new Error('interrupted'))
      expect(await end).toBe('interrupted')
      build.give(held)
      build.expectQuiet()
    })
  })

  test.for(['signal', 'timeout'] as const)('a %s that has been given already takes nothing', async (which) => {
    const build = new Build(2, 1)
    await expect(build.take('1-1', 1, 3, { [which]: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before')
    build.expectQuiet()
  })
})

test('any that come and go, wait and give up: never more than there are, and whoever waits is served', async () => {
  const any = (below: number) => Math.floor(Math.random() * below)
  for (let round = 0; round < 6; round++) {
    const tokens = 1 + any(4)
    const recipes = 2 + any(4)
    const build = new Build(tokens, recipes)
    let served = 0
    let gaveUp = 0

    async function one(name: string): Promise<void> {
      for (let i = 0; i < 12; i++) {
        const min = 1 + any(tokens + 1)
        const patience = any(4) === 0 ? any(20) : 30_000
        try {
          const held = await build.take(name, min, min + any(3), { timeout: AbortSignal.timeout(patience) })
          if (any(2) === 0) await sleep(any(4))
          build.give(held)
          served++
        } catch (error) {
          expect(error).toMatchObject({ name: 'TimeoutError' })
          expect(patience).toBeLessThan(20)
          gaveUp++
        }
      }
    }

    // Two commands of each recipe share its slot, which is a token once both are over.
    const names = Array.from({ length: recipes }, (_, i) => `${1 + i}-1`)
    await Promise.all(names.map((name) => Promise.all([one(name), one(name)]).then(() => build.endRecipe())))
    expect(served + gaveUp).toBe(2 * 12 * recipes)
    expect(build.most).toBeLessThanOrEqual(tokens + recipes)
    build.expectQuiet()
  }
})
