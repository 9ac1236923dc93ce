import { readdirSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { JobStore } from '../../src/store/job-store.ts'
import { openStore } from '../../src/store/open.ts'
import { testStore } from './folder.ts'

const files = (store: JobStore) =>
  readdirSync(store.dir)
    .filter((name) => !/^(lock|mark|worker-)/.test(name))
    .sort()

/** All that a store says of its jobs. */
async function everything(store: JobStore) {
  const { jobs } = await store.list({ limit: 10_000 })
  return Promise.all(jobs.map(({ id }) => store.get(id)))
}

/** Jobs in every state, with all that a job can have. */
async function jobsOfAllKinds(store: JobStore): Promise<void> {
  const first = await store.create({ n: 1, text: 'é\u{1f600}' })
  await store.create(2, { after: [first.id], key: 'two', priority: -3 })
  await store.create(3, { delay: 1e7, attempts: 5, backoff: 7, ttl: 2e7, timeout: 9, retention: 5, losses: 4 })
  const failing = await store.create(4, { attempts: 2, priority: 9, backoff: 0 })
  await (await store.pullJob())!.fail(new Error('once'))
  await (await store.pullJob({ wait: true }))!.fail(Object.assign(new Error('twice'), { code: 'EX' }))
  await store.queue(failing.id, { tell: 'me' })
  const long = await store.create(5, { priority: 8 })
  await (await store.pullJob())!.fulfill('x'.repeat(70_000))
  await store.queue(long.id, 'b')
  await store.queue(long.id, 'b')
  await store.create(6, { priority: 7 })
  await (await store.pullJob())!.progress([1, 2])
  const updated = await store.create(7)
  await store.update(updated.id, 1, { now: 'this' })
  const cancelled = await store.create(8)
  await store.cancel(cancelled.id, 'why not')
  await store.create(9, { priority: 6 })
  await (await store.pullJob())!.fulfill(Buffer.from([200]))
  await store.pullNotification()
}

describe('compaction', () => {
  test('changes nothing that anyone sees', async () => {
    const store = await testStore()
    const other = await openStore({ dir: store.dir })
    await jobsOfAllKinds(store)
    const before = await everything(store)
    expect(await store.compact()).toBe(true)
    expect(files(store).slice(0, 2)).toEqual(['journal-0000000002', 'snapshot-0000000002'])
    expect(await everything(store)).toEqual(before)
    expect(await everything(other)).toEqual(before)
    await store.create('more')
    // Once more, from a snapshot.
    expect(await other.compact()).toBe(true)
    expect((await everything(store)).slice(0, -1)).toEqual(before)
    const third = await openStore({ dir: store.dir })
    expect((await everything(third)).slice(0, -1)).toEqual(before)
    expect(await third.verify()).toMatchObject({ ok: true, jobs: before.length + 1 })
    await third.close()
    await other.close()
  })

  test('goes on while jobs are created and run, and by itself', async () => {
    const store = await testStore({ durability: 'os', retention: 0 })
    const request = 'x'.repeat(3000)
    let stop = false
    let done = 0
    const workers = Array.from({ length: 16 }, async () => {
      while (!stop) {
        await store.create(request)
        const job = await store.pullJob()
        await job?.fulfill('y')
        if (job) done++
      }
    })
    while (files(store)[0] === 'journal-0000000001') await sleep(20)
    stop = true
    await Promise.all(workers)
    expect(await store.stats()).toMatchObject({ pending: 0, active: 0, damage: [], missing: 0, impossible: 0 })
    expect(done * 3000).toBeGreaterThan(8e6)
    await store.compact()
    expect(await store.verify()).toMatchObject({ ok: true })
    const size = files(store).reduce((sum, name) => sum + statSync(join(store.dir, name)).size, 0)
    expect(size).toBeLessThan(16e6)
  })

  test('forgets finished jobs when their time is over, and nothing that somebody waits for', async () => {
    const store = await testStore({ durability: 'os', retention: 0 })
    const gone = await store.create('gone')
    const kept = await store.create('kept', { retention: 60_000 })
    const told = await store.create('told')
    await store.queue(told.id, 't')
    const big = await store.create('big')
    for (const { id } of [gone, kept, told]) await store.fulfill(id)
    await store.fulfill(big.id, Buffer.alloc(100_000))
    await sleep(2)
    expect(files(store).some((name) => name.startsWith('value-'))).toBe(true)
    await store.compact()
    const { jobs } = await store.list()
    expect(jobs.map(({ request }) => request)).toEqual(['kept', 'told'])
    expect(files(store).some((name) => name.startsWith('value-'))).toBe(false)
  })

  test('closes what it has replaced, in every process', async () => {
    const store = await testStore({ durability: 'os' })
    const other = await openStore({ dir: store.dir, durability: 'os' })
    await store.createMany(Array.from({ length: 200 }, (_, i) => i))
    await other.get(1)
    for (let i = 0; i < 3; i++) {
      await store.compact()
      expect(await other.get(100)).toMatchObject({ request: 99 })
    }
    await sleep(50)
    expect(await store.get(200)).toMatchObject({ request: 199 })
    const links = readdirSync('/proc/self/fd').map(linkOf)
    expect(links.filter((link) => link.startsWith(store.dir) && link.endsWith('(deleted)'))).toEqual([])
    await other.close()
  })
})

/** What a descriptor is open on; empty where it is closed by now. */
function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return ''
  }
}
