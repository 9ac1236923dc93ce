import { expect, test } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import { testStore } from './folder.ts'
import { Machine, Process } from './sim-machine.ts'
import { Random } from './sim-random.ts'
import { openSimulated } from './sim-store.ts'

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

test('of the next segment are told when that is on disk, though it was the one before that was written to', async () => {
  const machine = new Machine(new Random(1))
  const writer = await openSimulated(machine, 1)
  const reader = await openSimulated(machine, 2)
  await writer.create('first')
  const events = reader.events({ from: 0 })
  expect((await events.next()).value).toMatchObject({ type: 'create', position: 1 })
  await writer.compact()
  const other = new Process(machine, 3)
  other.appender.use('journal-0000000002', 2)
  const line = Buffer.from('00000000 {"n":3,"t":1,"op":"create","request":"second"}\n')
  const at = other.appender.size()
  expect(other.appender.append(line, line.length, at)).toBe(1)
  for (let position = 0; position < 3; ) position = (await events.next()).value!.position
  expect(machine.folder.get('journal-0000000002')!.synced.length).toBe(at + line.length)
  await Promise.all([events.return(), reader.close(), writer.close()])
})

test('return ends an iteration whose next waits', async () => {
  const store = await testStore()
  const events = store.events()
  const next = events.next()
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(await events.return()).toEqual({ done: true, value: undefined })
  expect(await next).toEqual({ done: true, value: undefined })
  expect(await events.next()).toEqual({ done: true, value: undefined })
})
