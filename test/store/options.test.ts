import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { testStore } from './folder.ts'

const A_MONTH_MS = 30 * 86_400_000

describe('a time', () => {
  test('for a run that is longer than a timer can be does not end it at once', async () => {
    const store = await testStore()
    await store.create('x', { timeout: A_MONTH_MS })
    const job = (await store.pullJob())!
    await sleep(30)
    expect(job.signal.aborted).toBe(false)
    await job.fulfill('done')
  })

  test('that ends beyond what a number can say is refused, and leaves the store whole', async () => {
    const store = await testStore()
    await expect(store.create('x', { delay: Number.MAX_SAFE_INTEGER })).rejects.toThrow(TypeError)
    await store.create('y')
    expect(await store.verify()).toMatchObject({ ok: true, jobs: 1 })
  })
})

describe('the grace of a cancel', () => {
  test('is there for who runs the job, also after a compaction', async () => {
    const store = await testStore()
    await store.create('x')
    const job = (await store.pullJob())!
    await store.cancel(job.id, new Error('enough'), { grace: 1500.4 })
    expect(job.signal.aborted).toBe(true)
    for (const _ of ['before', 'after']) {
      expect((await store.get(job.id))?.error).toMatchObject({ message: 'enough', grace: 1500 })
      await store.compact()
    }
  })

  test('is a number of milliseconds', async () => {
    const store = await testStore()
    await store.create('x')
    for (const grace of [-1, Number.NaN, Number.POSITIVE_INFINITY, '5' as unknown as number]) {
      await expect(store.cancel(1, 'x', { grace })).rejects.toThrow(TypeError)
    }
    expect(await store.get(1)).toMatchObject({ state: 'pending' })
  })
})
