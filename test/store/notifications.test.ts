import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { testStore } from './folder.ts'

describe('a notification', () => {
  test('tells the targets that were queued before and after the end', async () => {
    const store = await testStore()
    const { id } = await store.create('x')
    await store.queue(id, { mail: 'a@b' })
    expect(await store.pullNotification()).toBeUndefined()
    await store.fulfill(id, 'done')
    await store.queue(id, 'late')
    const notification = (await store.pullNotification())!
    expect(notification).toMatchObject({
      id,
      state: 'fulfilled',
      value: Buffer.from('done'),
      waiting: [{ mail: 'a@b' }, 'late'],
    })
    // Under an exclusive claim.
    expect(await store.pullNotification()).toBeUndefined()
    await notification.done(null, notification.waiting)
    expect(await store.get(id)).toMatchObject({ waiting: [] })
    expect(await store.pullNotification()).toBeUndefined()
  })

  test('comes again, after a while, for the targets that were not served', async () => {
    const store = await testStore()
    const { id } = await store.create('x')
    for (const target of ['a', 'b', 'b', { c: [1, { d: null }] }]) await store.queue(id, target)
    await store.fulfill(id)
    const first = (await store.pullNotification())!
    await first.done(new Error('ignored'), ['b', { c: [1, { d: null }] }])
    expect(await store.get(id)).toMatchObject({ waiting: ['a', 'b'] })
    expect(await store.pullNotification()).toBeUndefined()
    const begin = performance.now()
    const second = await store.pullNotification({ wait: true, signal: AbortSignal.timeout(5000) })
    expect(performance.now() - begin).toBeGreaterThan(800)
    expect(second.waiting).toEqual(['a', 'b'])
    await second[Symbol.asyncDispose]()
  })

  test('is waited for', async () => {
    const store = await testStore()
    const { id } = await store.create('x')
    await store.queue(id, 1)
    const waiting = store.pullNotification({ wait: true })
    await sleep(10)
    // A job that is free is nothing to one who waits for a notification.
    const begin = process.cpuUsage()
    await sleep(200)
    const { user, system } = process.cpuUsage(begin)
    expect(user + system).toBeLessThan(100_000)
    await store.cancel(id)
    expect(await waiting).toMatchObject({
      id,
      state: 'cancelled',
      value: undefined,
      error: { message: 'it was cancelled' },
    })
  })

  test('does not go to targets that were taken off: one for each', async () => {
    const store = await testStore()
    const { id } = await store.create('x')
    for (const target of ['a', 'a', { b: 1 }, 'c']) await store.queue(id, target)
    await store.unqueue(id, 'a')
    await store.unqueueAll(id, [{ b: 1 }, 'nobody'])
    expect(await store.get(id)).toMatchObject({ waiting: ['a', 'c'] })
    await store.unqueueAll(id, ['a', 'c'])
    await store.fulfill(id)
    expect(await store.pullNotification()).toBeUndefined()
  })

  test('is given by respond before the end is answered', async () => {
    const told: unknown[] = []
    const failures: unknown[] = []
    const store = await testStore({
      respond: ({ id, value, waiting }) => {
        if (waiting.includes('bad')) throw new Error('cannot be told')
        told.push([id, value?.toString(), waiting])
        return undefined
      },
      onrespondfailure: (error) => failures.push(error),
    })
    const { id } = await store.create('x')
    await store.queue(id, 't')
    await (await store.pullJob())!.fulfill('v')
    expect(told).toEqual([[id, 'v', ['t']]])
    await store.queue(id, 'u')
    expect(told[1]).toEqual([id, 'v', ['u']])
    await store.queue(id, 'bad')
    expect(failures).toMatchObject([{ message: 'cannot be told' }])
    expect(await store.get(id)).toMatchObject({ waiting: ['bad'] })
  })
})

test('targets are equal where all in them is: order of keys apart, and neither by type nor by length near enough', async () => {
  const store = await testStore({ durability: 'os' })
  const { id } = await store.create('x')
  const targets = [1, '1', null, [], {}, [1, 2], [2, 1], { a: 1, b: { c: [] } }, { a: 1 }]
  for (const target of targets) await store.queue(id, target)
  for (const near of [true, '', 0, [1], [1, 2, 3], { a: 1, b: {} }, { a: '1' }]) await store.unqueue(id, near)
  expect(await store.get(id)).toMatchObject({ waiting: targets })
  await store.unqueue(id, { b: { c: [] }, a: 1 })
  expect((await store.get(id))!.waiting).toEqual(targets.filter((_, i) => i !== 7))
  await store.unqueueAll(id, targets)
  expect((await store.get(id))!.waiting).toEqual([])
})

test('the pause before targets come again doubles', async () => {
  const store = await testStore({ durability: 'os' })
  const { id } = await store.create('x')
  await store.queue(id, 't')
  await store.fulfill(id)
  const pauses: number[] = []
  const events = store.events()
  for (let i = 0; i < 2; i++) {
    const notification = await store.pullNotification({ wait: true, signal: AbortSignal.timeout(20_000) })
    await notification.done(null, [])
  }
  for await (const { type, time, at } of events) {
    if (type === 'notified') pauses.push(Number(at) - time)
    if (pauses.length === 2) break
  }
  expect(pauses).toEqual([1000, 2000])
})
