import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { JobStore } from '../../src/store/job-store.ts'
import { testStore } from './folder.ts'

const MIB = 1024 * 1024

/** What the folder takes on the disk; a file may go meanwhile. */
function diskUse(store: JobStore): number {
  return readdirSync(store.dir).reduce((sum, name) => {
    const status = statSync(join(store.dir, name), { throwIfNoEntry: false })
    return sum + (status ? status.blocks * 512 : 0)
  }, 0)
}

interface Churn {
  jobs: number
  callers: number
  request: number
  value: number
  /** Jobs that stay, and have requests of the same length. */
  live: number
}

/** Jobs that come and go; the most that the store takes meanwhile, and what stays takes. In MiB. */
async function churn({ jobs, callers, request, value, live }: Churn) {
  const store = await testStore({ durability: 'os', retention: 0 })
  for (let i = 0; i < live; i += 1000)
    await store.createMany(
      Array.from({ length: Math.min(1000, live - i) }, () => 'x'.repeat(request)),
      { priority: -1 },
    )
  const staying = diskUse(store)
  let left = jobs
  let most = 0
  const caller = async () => {
    while (left-- > 0) {
      await store.create('x'.repeat(request))
      await (await store.pullJob())!.fulfill('v'.repeat(value))
      if (left % 20 === 0) most = Math.max(most, diskUse(store))
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  expect((await store.stats()).pending).toBe(live)
  expect(await store.verify()).toMatchObject({ ok: true })
  return { most: most / MIB, bound: (3 * staying) / MIB + 16, written: (jobs * (request + value)) / MIB }
}

describe('the disk that jobs take which come and go', () => {
  test.each<[string, Churn]>([
    ['small ones, of which few stay', { jobs: 20_000, callers: 16, request: 1000, value: 1000, live: 10 }],
    ['small ones, of which many stay', { jobs: 20_000, callers: 16, request: 1000, value: 1000, live: 10_000 }],
    ['long requests, that come as fast as they can', { jobs: 1500, callers: 8, request: 60_000, value: 10, live: 10 }],
    ['values in files of their own', { jobs: 600, callers: 4, request: 100, value: 100_000, live: 10 }],
  ])('stays within three times what stays, and 16 MiB: %s', async (_, kind) => {
    const { most, bound, written } = await churn(kind)
    expect(written).toBeGreaterThan(2 * 16)
    expect(most).toBeLessThan(bound)
  })
})
