import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fill, type Vessel } from '../../src/plan/fill.ts'

/** Slot by slot, to whoever stands lowest; the first of equals. */
function oneByOne(budget: number, vessels: Vessel[]): number[] {
  const counts = vessels.map(({ low }) => low)
  for (let left = budget; left > 0; left--) {
    const open = vessels.map((_, i) => i).filter((i) => counts[i]! < vessels[i]!.high)
    if (open.length === 0) break
    const level = (i: number) => (vessels[i]!.base + counts[i]!) / vessels[i]!.weight
    counts[open.reduce((least, i) => (level(i) < level(least) - 1e-9 ? i : least))]!++
  }
  return counts
}

const vessel = fc
  .record({
    base: fc.integer({ min: 0, max: 5 }),
    weight: fc.constantFrom(0.001, 0.25, 0.3, 0.5, 1, 1.1, 2, 3, 1000),
    low: fc.integer({ min: 0, max: 5 }),
    more: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constant(Number.POSITIVE_INFINITY)),
  })
  .map(({ more, ...rest }) => ({ ...rest, high: rest.low + more }))

describe('fill', () => {
  test.for<[string, number, Vessel[], number[]]>([
    ['nobody', 5, [], []],
    ['one', 5, [{ base: 1, weight: 1, low: 0, high: 3 }], [3]],
    ['no end', 5, [{ base: 1, weight: 1, low: 2, high: Number.POSITIVE_INFINITY }], [7]],
    ['what others have already', 3, [1, 0].map((base) => ({ base, weight: 1, low: 0, high: 9 })), [1, 2]],
    ['twice the weight', 12, [2, 1].map((weight) => ({ base: 0, weight, low: 0, high: 99 })), [8, 4]],
    ['parts of a weight', 10, [0.1, 0.4].map((weight) => ({ base: 0, weight, low: 0, high: 99 })), [2, 8]],
    ['nothing to give', 0, [{ base: 0, weight: 1, low: 2, high: 9 }], [2]],
    ['less than nothing', -3, [{ base: 0, weight: 1, low: 2, high: 9 }], [2]],
    ['less than it has', 4, [{ base: 0, weight: 1, low: 2, high: 1 }], [2]],
  ])('%s', ([, budget, vessels, counts]) => {
    expect(fill(budget, vessels)).toEqual(counts)
  })

  test('is what comes of giving slot by slot', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200 }), fc.array(vessel, { maxLength: 12 }), (budget, vessels) => {
        expect(fill(budget, vessels)).toEqual(oneByOne(budget, vessels))
      }),
      { numRuns: 2000 },
    )
  })

  test('asks who goes first only among equals', () => {
    const vessels = [3, 1, 2].map((id) => ({ id, base: 0, weight: 1, low: 0, high: 9 }))
    expect(fill(2, vessels, (a, _a, b) => a.id - b.id)).toEqual([0, 1, 1])
    const lower = [{ id: 9, base: 0, weight: 2, low: 1, high: 9 }, ...vessels.map((each) => ({ ...each, base: 1 }))]
    expect(fill(2, lower, (a, _a, b) => a.id - b.id)).toEqual([2, 0, 1, 0])
  })

  test('a hundred thousand slots for two hundred take no longer than a few', () => {
    const vessels = Array.from({ length: 200 }, (_, i) => ({ base: i % 3, weight: 1 + (i % 7) / 3, low: 0, high: 1e6 }))
    const began = performance.now()
    const counts = fill(100_000, vessels)
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(100_000)
    expect(performance.now() - began).toBeLessThan(100)
  })
})
