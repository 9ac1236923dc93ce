import { expect, test } from 'vitest'
import { stormSeed } from '../torture/seed.ts'
import { Storm } from '../torture/storm.ts'
import { documentStorm } from './storm.ts'

test('processes that count a document up, some killed: nothing is lost, and readers see whole values', {
  timeout: 120_000,
  retry: 0,
}, async () => {
  const storm = new Storm({ seed: stormSeed('documents'), ms: 15_000 })
  await documentStorm(storm)
  expect(storm.problems).toEqual([])
  expect(storm.operations).toBeGreaterThan(1000)
  expect(storm.kills).toBeGreaterThan(5)
  expect(storm.notes.reads).toBeGreaterThan(100)
})
