import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import { availableCpus, quotaOf } from '../../src/pool/cpus.ts'

const all = Number.POSITIVE_INFINITY

test.for<[string | undefined, number]>([
  ['max 100000', all],
  ['100000 100000', 1],
  ['150000 100000', 1],
  ['200000 100000', 2],
  ['400000 50000', 8],
  ['50000 100000', 0],
  ['-1 100000', all],
  ['0 100000', all],
  ['100000', all],
  ['100000 0', all],
  ['100000 max', all],
  ['undefined 100000', all],
  ['nonsense', all],
  ['', all],
  [undefined, all],
])('quotaOf(%j) is %d', ([text, cpus]) => {
  expect(quotaOf(text)).toBe(cpus)
})

test('there is at least one, and never more than Node may use', () => {
  expect(availableCpus()).toBeGreaterThanOrEqual(1)
  expect(availableCpus()).toBeLessThanOrEqual(availableParallelism())
})
