import { expect, test } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import { testStore } from './folder.ts'

test('events come in order, from now on or from a position', async () => {
  const store = await testStore()
  await store.create('before')
  const stop = new AbortController()
  const seen: unknown[] = []
  const reading = (async () => {
    for await (const { position, type, id } of store.events({ signal: stop.signal })) {
      seen.push([position, type, id])
      if (seen.length === 4) return
    }
  })()
  await new Promise((resolve) => setTimeout(resolve, 20))
  const other = await openStore({ dir: store.dir })
  await other.create('a', { priority: 1 })
  const job = (await other.pullJob())!
  await store.queue(1, 't')
  await job.fulfill('v')
  await reading
  expect(seen).toEqual([
    [2, 'create', 2],
    [3, 'claim', 2],
    [4, 'queue', 1],
    [5, 'fulfill', 2],
  ])
  const all: unknown[] = []
  for await (const event of other.events({ from: 0 })) {
    all.push(event.position)
    if (event.position === 5) break
  }
  expect(all).toEqual([1, 2, 3, 4, 5])
  await other.close()
})

test('events go on through a compaction; those it took are an error', async () => {
  const store = await testStore({ durability: 'os' })
  const positions: number[] = []
  const reading = (async () => {
    for await (const { position } of store.events()) {
      positions.push(position)
      if (positions.length === 41) return
    }
  })()
  await new Promise((resolve) => setTimeout(resolve, 20))
  await store.createMany(Array.from({ length: 20 }, (_, i) => i))
  await store.compact()
  await store.createMany(Array.from({ length: 20 }, (_, i) => i))
  await reading
  expect(positions).toEqual(Array.from({ length: 41 }, (_, i) => i + 1))
  await expect(store.events({ from: 3 }).next()).rejects.toMatchObject({ code: 'ERR_JOBSLOT_STORE_GAP' })
  expect((await store.events({ from: 20 }).next()).value).toMatchObject({ position: 21, type: 'snapshot' })
})

test('events end with the store, and with their signal', async () => {
  const store = await testStore()
  const stop = new AbortController()
  const next = store.events({ signal: stop.signal }).next()
  setTimeout(() => stop.abort(new Error('enough')), 10)
  await expect(next).rejects.toThrow('enough')
  const other = store.events().next()
  await new Promise((resolve) => setTimeout(resolve, 10))
  await store.close()
  expect(await other).toEqual({ done: true, value: undefined })
})

test('events begin with the call, not with the first one that is asked for', async () => {
  const store = await testStore()
  await store.create('before')
  const other = await openStore({ dir: store.dir })
  await other.create('before too')
  const events = store.events()
  await store.create('after')
  expect((await events.next()).value).toMatchObject({ position: 3, type: 'create', id: 3, request: 'after' })
  await events.return()
  await other.close()
})

test('a position that the store has not come to is told', async () => {
  const store = await testStore()
  await store.create('a')
  const ahead = store.events({ from: 2 }).next()
  await expect(ahead).rejects.toMatchObject({ code: 'ERR_JOBSLOT_STORE_GAP', message: expect.stringMatching(/1 only/) })
  const next = store.events({ from: 1 }).next()
  await store.create('b')
  expect((await next).value).toMatchObject({ position: 2 })
})
