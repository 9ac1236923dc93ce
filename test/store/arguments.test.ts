import { expect, test } from 'vitest'
import type { JobStore } from '../../src/store/job-store.ts'
import { openStore } from '../../src/store/open.ts'
import { tempDir } from '../support/processes.ts'
import { testStore } from './folder.ts'

const wrong: [string, (store: JobStore) => unknown][] = [
  ['list: a state that is none', (store) => store.list({ state: 'done' as never })],
  ['list: a limit of 0', (store) => store.list({ limit: 0 })],
  ['list: a cursor that is none', (store) => store.list({ after: -1 })],
  ['wait: a timeout that is none', (store) => store.wait(1, { timeout: Number.NaN })],
  ['wait: a negative timeout', (store) => store.wait(1, { timeout: -1 })],
  ['events: a position that is none', (store) => (async () => store.events({ from: -1 }))()],
  ['create: a request that is no JSON', (store) => store.create(() => {})],
  ['create: a key that is none', (store) => store.create(1, { key: 7 as never })],
  ['create: a runAt and a delay', (store) => store.create(1, { runAt: 1, delay: 1 })],
  ['create: an infinite delay', (store) => store.create(1, { delay: Number.POSITIVE_INFINITY })],
  ['create: a backoff that shrinks', (store) => store.create(1, { backoff: { factor: 0.5 } })],
  ['create: a ttl that is none', (store) => store.create(1, { ttl: '1' as never })],
  ['create: a timeout that is none', (store) => store.create(1, { timeout: Number.NaN })],
  ['create: half a loss', (store) => store.create(1, { losses: 0.5 })],
  ['create: an option that there is none of', (store) => store.create(1, { atempts: 3 } as never)],
  ['create: an after that is no array', (store) => store.create(1, { after: 1 as never })],
  ['createMany: no array', (store) => store.createMany({ a: 1 } as never)],
  ['wait: a number for its options', (store) => store.wait(1, 50 as never)],
  ['createMany: one that is no JSON', (store) => store.createMany([1, undefined])],
  ['createMany: options that mean nothing', (store) => store.createMany([1], { attempts: -1 })],
  ['get: an id that is none', (store) => store.get('x')],
  ['update: a request that is no JSON', (store) => store.update(1, 1, undefined)],
  ['queue: a target that is no JSON', (store) => store.queue(1, undefined)],
  ['unqueueAll: targets that are no array', (store) => store.unqueueAll(1, 't' as never)],
  ['fulfill: a value that is neither text nor bytes', (store) => store.fulfill(1, 6 as never)],
]

test.each(wrong)('%s is a TypeError, and changes nothing', async (_name, call) => {
  const store = await testStore()
  await store.createMany(['a', 'b'])
  await expect(call(store)).rejects.toThrow(TypeError)
  expect(await store.stats()).toMatchObject({ pending: 2 })
})

test.each<[string, Parameters<typeof openStore>[0]]>([
  ['no folder', {} as never],
  ['an option that there is none of', { dir: 'x', retension: 1 } as never],
  ['a lease of 0', { dir: 'x', lease: 0 }],
  ['a retention that is none', { dir: 'x', retention: Number.NaN }],
  ['a durability that there is none of', { dir: 'x', durability: 'none' as never }],
])('open: %s', async (_name, options) => {
  const dir = tempDir()
  await expect(openStore({ ...options, ...(options.dir && { dir: `${dir}/x` }) })).rejects.toThrow(TypeError)
})

test('done and release look at what they are given', async () => {
  const store = await testStore()
  const { id } = await store.create('a')
  await store.queue(id, 't')
  const job = (await store.pullJob())!
  await expect(job.release({ delay: Number.POSITIVE_INFINITY })).rejects.toThrow(TypeError)
  await job.fulfill(new Uint8Array([97, 98]))
  const notification = (await store.pullNotification())!
  expect(notification.value?.toString()).toBe('ab')
  await expect(notification.done(null, 't' as never)).rejects.toThrow(TypeError)
  await notification.done(null, ['t'])
  expect(await store.get(id)).toMatchObject({ waiting: [] })
})
