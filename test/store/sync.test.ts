import { expect, test } from 'vitest'
import type { Appender } from '../../src/store/disk/disk.ts'
import { Durability } from '../../src/store/engine/durability.ts'

/** An appender whose syncs end when they are told to; `short` ones are done at once. */
function fakeAppender() {
  const ends: (() => void)[] = []
  const fake = { durable: 0, short: true, atOnce: 0, syncs: [] as number[], end: () => ends.shift()?.() }
  const appender = {
    durable: () => fake.durable,
    sync: (target: number) => {
      fake.syncs.push(target)
      return new Promise<void>((resolve) => {
        ends.push(() => {
          fake.durable = Math.max(fake.durable, target)
          resolve()
        })
      })
    },
    syncNow: (target: number) => {
      fake.atOnce++
      if (fake.short) fake.durable = target
      return fake.short
    },
  } as unknown as Appender
  return { fake, appender }
}

function answers() {
  const settled: string[] = []
  const who = (name: string) => [{ settle: () => settled.push(name), fail: () => settled.push(`${name} failed`) }]
  return { settled, who }
}

test('the last append before the event loop turns is synced at once where that is short', () => {
  const { fake, appender } = fakeAppender()
  const { settled, who } = answers()
  const durability = new Durability(appender, true, async () => {})
  durability.settle(who('a'), 10, true)
  expect(settled).toEqual(['a'])
  expect(fake.syncs).toEqual([])
})

test('where it is not, or more is to come, another thread syncs, once for all that wait', async () => {
  const { fake, appender } = fakeAppender()
  const { settled, who } = answers()
  const durability = new Durability(appender, true, async () => {})
  durability.settle(who('a'), 10)
  expect(fake.atOnce).toBe(0)
  durability.settle(who('b'), 20, true)
  durability.settle(who('c'), 30, true)
  // One that is under way is not overtaken.
  expect(fake.atOnce).toBe(0)
  expect(fake.syncs).toEqual([10])
  fake.end()
  await new Promise(setImmediate)
  expect(settled).toEqual(['a'])
  expect(fake.syncs).toEqual([10, 30])
  fake.end()
  await durability.settled()
  expect(settled).toEqual(['a', 'b', 'c'])
  fake.short = false
  durability.settle(who('d'), 40, true)
  expect(fake.atOnce).toBe(1)
  expect(fake.syncs).toEqual([10, 30, 40])
  expect(settled).not.toContain('d')
  fake.end()
  await durability.settled()
  expect(settled).toContain('d')
})

test('who asks in the moment in which a sync ends is not left waiting', async () => {
  const { fake, appender } = fakeAppender()
  const { settled, who } = answers()
  const durability = new Durability(appender, true, async () => {})
  const again = { settle: () => queueMicrotask(() => durability.settle(who('b'), 20)), fail: () => {} }
  durability.settle([again], 10)
  fake.end()
  await new Promise(setImmediate)
  expect(fake.syncs).toEqual([10, 20])
  fake.end()
  await durability.settled()
  expect(settled).toEqual(['b'])
})
