import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import { linesOf, testStore } from './folder.ts'

describe('a job', () => {
  test('is created, pulled and fulfilled', async () => {
    const store = await testStore()
    const { id, existing } = await store.create({ calculate: '3+3' })
    expect(existing).toBe(false)
    expect(await store.get(id)).toMatchObject({
      id,
      state: 'pending',
      request: { calculate: '3+3' },
      version: 1,
      attempt: 0,
    })
    const job = await store.pullJob()
    expect(job).toMatchObject({
      id,
      request: { calculate: '3+3' },
      value: { calculate: '3+3' },
      version: 1,
      attempt: 1,
    })
    expect(await store.get(id)).toMatchObject({ state: 'active', pid: process.pid })
    await job!.fulfill('6')
    expect(await store.get(id)).toMatchObject({ state: 'fulfilled', value: Buffer.from('6'), pid: null })
    expect(await store.pullJob()).toBeUndefined()
  })

  test('is there again after the store was opened anew', async () => {
    const store = await testStore()
    const done = await store.create('a', { priority: 1 })
    const left = await store.create('b', { attempts: 3, key: 'k' })
    await (await store.pullJob())!.fulfill(Buffer.from([0xff, 0]))
    await (await store.pullJob())!.fail(new Error('no luck'), { retry: false })
    const { dir } = store
    await store.close()
    const again = await openStore({ dir })
    expect(await again.get(done.id)).toMatchObject({ state: 'fulfilled', value: Buffer.from([0xff, 0]) })
    expect(await again.get(left.id)).toMatchObject({ state: 'failed', error: { message: 'no luck' }, failures: 1 })
    expect(await again.stats()).toMatchObject({ fulfilled: 1, failed: 1, damage: [], missing: 0, impossible: 0 })
    await again.close()
  })

  test('comes by priority, then in the order of creation', async () => {
    const store = await testStore({ durability: 'os' })
    for (const [name, priority] of [
      ['c', 0],
      ['a', 7],
      ['e', -1],
      ['d', 0],
      ['b', 7],
    ] as const) {
      await store.create(name, { priority })
    }
    const order: unknown[] = []
    for (let job = await store.pullJob(); job; job = await store.pullJob()) order.push(job.request)
    expect(order).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('that is released is pending again, its disposal releases it', async () => {
    const store = await testStore()
    const { id } = await store.create('x')
    const first = (await store.pullJob())!
    await first.release()
    await first.release()
    expect(await store.get(id)).toMatchObject({ state: 'pending', attempt: 1, failures: 0 })
    const second = (await store.pullJob())!
    await second[Symbol.asyncDispose]()
    const third = (await store.pullJob())!
    expect(third.attempt).toBe(3)
    await third.release({ delay: 60_000 })
    expect(await store.get(id)).toMatchObject({ state: 'delayed' })
  })

  test('that fails is tried again after its backoff, as often as it may', async () => {
    const store = await testStore({ durability: 'os' })
    const { id } = await store.create('x', { attempts: 3, backoff: { delay: 20, factor: 2 } })
    const begin = performance.now()
    for (const attempt of [1, 2, 3]) {
      const job = await store.pullJob({ wait: true, signal: AbortSignal.timeout(5000) })
      expect(job.attempt).toBe(attempt)
      await job.fail(new Error(`no ${attempt}`))
      expect(await store.pullJob()).toBeUndefined()
    }
    expect(performance.now() - begin).toBeGreaterThanOrEqual(20 + 40 - 2)
    expect(await store.get(id)).toMatchObject({ state: 'failed', failures: 3, error: { message: 'no 3' } })
    await store.retry(id)
    expect(await store.get(id)).toMatchObject({ state: 'pending', failures: 0, error: null })
  })

  test('is not run before its time', async () => {
    const store = await testStore({ durability: 'os' })
    await store.create('later', { delay: 80 })
    await store.create('date', { runAt: new Date(Date.now() + 60_000) })
    expect(await store.stats()).toMatchObject({ delayed: 2, pending: 0 })
    const begin = performance.now()
    const job = await store.pullJob({ wait: true, signal: AbortSignal.timeout(5000) })
    expect(job.request).toBe('later')
    expect(performance.now() - begin).toBeGreaterThan(60)
  })

  test('that is not started within its ttl has failed', async () => {
    const store = await testStore({ durability: 'os' })
    const { id } = await store.create('x', { ttl: 30 })
    expect(await store.wait(id, { timeout: 5000 })).toMatchObject({
      state: 'failed',
      error: { code: 'ERR_JOBSLOT_JOB_EXPIRED' },
    })
    const other = await store.create('y', { ttl: 1 })
    await sleep(5)
    expect(await store.pullJob()).toBeUndefined()
    expect(await store.get(other.id)).toMatchObject({ state: 'failed' })
  })

  test('that runs for longer than its timeout is aborted and has failed', async () => {
    const store = await testStore({ durability: 'os' })
    const { id } = await store.create('x', { timeout: 30 })
    const job = (await store.pullJob())!
    const lost = new Promise((resolve) => job.signal.addEventListener('abort', () => resolve(job.signal.reason)))
    expect(await lost).toMatchObject({ code: 'ERR_JOBSLOT_TIMEOUT' })
    expect(await store.wait(id, { timeout: 5000 })).toMatchObject({
      state: 'failed',
      error: { code: 'ERR_JOBSLOT_TIMEOUT' },
    })
    await expect(job.fulfill('late')).rejects.toMatchObject({ code: 'ERR_JOBSLOT_CLAIM_LOST' })
  })

  test('waits for those that it comes after', async () => {
    const store = await testStore({ durability: 'os' })
    const a = await store.create('a')
    const b = await store.create('b')
    const c = await store.create('c', { after: [a.id, String(b.id)] })
    expect(await store.get(c.id)).toMatchObject({ state: 'delayed', after: [a.id, b.id] })
    await store.fulfill(a.id)
    await store.fulfill(b.id)
    expect((await store.pullJob())?.id).toBe(c.id)
    await expect(store.create('d', { after: [99_999] })).rejects.toMatchObject({ code: 'ERR_JOBSLOT_NO_JOB' })
  })

  test('that can never run is told to who waits for it, though nobody runs jobs', async () => {
    const store = await testStore()
    const a = await store.create('a')
    const b = await store.create('b', { after: [a.id] })
    const late = await store.create('late', { delay: 60_000, ttl: 50 })
    const ended = Promise.all([store.wait(b.id, { timeout: 5000 }), store.wait(late.id, { timeout: 5000 })])
    await store.cancel(a.id)
    expect(await ended).toMatchObject([{ state: 'cancelled' }, { state: 'failed' }])
  })

  test('is cancelled with the one that it comes after also where nobody pulls or waits', async () => {
    const store = await testStore()
    const chain = [(await store.create(0)).id]
    for (let i = 1; i < 5; i++) chain.push((await store.create(i, { after: [chain[i - 1]!] })).id)
    await store.cancel(chain[0]!)
    // It is told when the next thing is told that this store does.
    const { id } = await store.create('late', { after: [chain[4]!] })
    await store.create('more')
    for (const one of [...chain, id]) expect(await store.get(one)).toMatchObject({ state: 'cancelled' })
    expect(await store.wait((await store.create('later', { after: [id] })).id)).toMatchObject({
      state: 'cancelled',
      error: { code: 'ERR_JOBSLOT_JOB_DEPENDENCY' },
    })
  })

  test('is cancelled for who waits for it, whoever ended the one that it comes after', async () => {
    const store = await testStore()
    const other = await openStore({ dir: store.dir })
    onTestFinished(() => other.close())
    const a = await store.create('a')
    const b = await store.create('b', { after: [a.id] })
    const c = await store.create('c', { after: [b.id] })
    const waiting = other.wait(c.id, { timeout: 10_000 })
    await store.remove(a.id)
    expect(await waiting).toMatchObject({ state: 'cancelled' })
  })

  test('is cancelled with the one that it comes after, and those behind it too', async () => {
    const store = await testStore({ durability: 'os' })
    const a = await store.create('a')
    const b = await store.create('b', { after: [a.id] })
    const c = await store.create('c', { after: [b.id] })
    await store.fail(a.id, 'broken')
    expect(await store.pullJob()).toBeUndefined()
    expect(await store.pullJob()).toBeUndefined()
    expect(await store.get(b.id)).toMatchObject({ state: 'cancelled', error: { code: 'ERR_JOBSLOT_JOB_DEPENDENCY' } })
    expect(await store.get(c.id)).toMatchObject({ state: 'cancelled' })
    await store.retry(a.id)
    await store.retry(b.id)
    expect(await store.get(b.id)).toMatchObject({ state: 'delayed' })
    await store.fulfill(a.id)
    expect((await store.pullJob())?.id).toBe(b.id)
  })

  test('with the key of one whose ttl is over is a new one', async () => {
    const store = await testStore()
    const first = await store.create('one', { key: 'k', ttl: 20 })
    await sleep(40)
    const second = await store.create('two', { key: 'k' })
    expect(second).toMatchObject({ existing: false })
    expect(await store.get(first.id)).toMatchObject({ state: 'failed', error: { code: 'ERR_JOBSLOT_JOB_EXPIRED' } })
    expect((await store.pullJob())?.id).toBe(second.id)
  })

  test('with the key of an unfinished one is that one', async () => {
    const store = await testStore()
    const both = await Promise.all([store.create(1, { key: 'k' }), store.create(2, { key: 'k' })])
    expect(both.map(({ existing }) => existing)).toEqual([false, true])
    expect(both[1].id).toBe(both[0].id)
    await store.fulfill(both[0].id)
    expect(await store.create(3, { key: 'k' })).toMatchObject({ existing: false })
  })

  test('gets another request only for the version that it has', async () => {
    const store = await testStore()
    const { id } = await store.create({ v: 1 }, { priority: 3 })
    expect(await store.update(id, 1, { v: 2 })).toBe(2)
    await expect(store.update(id, 1, { v: 3 })).rejects.toMatchObject({ code: 'ERR_JOBSLOT_CONFLICT' })
    const created = (await store.get(id))!.created
    expect(await store.update(id, 2, { v: 3 })).toBe(3)
    expect(await store.get(id)).toMatchObject({ request: { v: 3 }, version: 3, priority: 3, created })
    expect(await store.pullJob()).toMatchObject({ request: { v: 3 }, version: 3 })
  })

  test('that is cancelled while it runs aborts its signal, and its result is refused', async () => {
    const store = await testStore()
    const { id } = await store.create('x')
    const job = (await store.pullJob())!
    let told: unknown
    job.oncompromised = (reason) => {
      told = reason
    }
    await store.cancel(id, 'no longer wanted')
    expect(job.signal.aborted).toBe(true)
    expect(told).toMatchObject({ code: 'ERR_JOBSLOT_CLAIM_LOST' })
    await expect(job.fulfill('1')).rejects.toMatchObject({ code: 'ERR_JOBSLOT_CLAIM_LOST' })
    await expect(store.fulfill(id, '1')).rejects.toMatchObject({ code: 'ERR_JOBSLOT_JOB_STATE' })
    expect(await store.get(id)).toMatchObject({ state: 'cancelled', error: { message: 'no longer wanted' } })
  })

  test('is fulfilled without a claim too, once', async () => {
    const store = await testStore()
    const { id } = await store.create('x')
    const job = (await store.pullJob())!
    await store.fulfill(id, 'by another')
    expect(job.signal.aborted).toBe(true)
    await expect(job.fulfill('by me')).rejects.toMatchObject({ code: 'ERR_JOBSLOT_CLAIM_LOST' })
    expect((await store.get(id))!.value!.toString()).toBe('by another')
    await expect(store.fulfill(4711)).rejects.toMatchObject({ code: 'ERR_JOBSLOT_NO_JOB' })
  })

  test('has failed by whatever it was told, cut where that is very long', async () => {
    const store = await testStore({ durability: 'os' })
    const circular: unknown[] = []
    circular.push(circular)
    const foreign = { message: 'of another realm', code: 'EOTHER' }
    const errors = [undefined, 7n, circular, { a: 1 }, foreign, 'x'.repeat(100_000)]
    const messages: string[] = []
    for (const error of errors) {
      const { id } = await store.create('x')
      await store.fail(id, error)
      messages.push((await store.get(id))!.error!.message)
    }
    expect(messages.slice(0, 5)).toEqual(['undefined', '7', '[object Array]', '{"a":1}', 'of another realm'])
    expect(messages[5]).toMatch(/^x{65536}…$/)
  })

  test('tells how far it is', async () => {
    const store = await testStore()
    const { id } = await store.create('x')
    const job = (await store.pullJob())!
    await job.progress({ percent: 40 })
    expect(await store.get(id)).toMatchObject({ progress: { percent: 40 } })
    await job.fulfill()
    expect(await store.get(id)).toMatchObject({ progress: null, value: Buffer.alloc(0) })
  })

  test('with a long value keeps it in a file of its own', async () => {
    const store = await testStore()
    const { id } = await store.create('x')
    const value = Buffer.alloc(200_000, 'abcdefg')
    await (await store.pullJob())!.fulfill(value)
    expect((await store.get(id))!.value!.equals(value)).toBe(true)
    expect(linesOf(store.dir).at(-1)).toMatchObject({
      op: 'fulfill',
      bytes: 200_000,
      file: expect.stringMatching(/^value-1-/),
    })
  })

  test('that is removed is gone', async () => {
    const store = await testStore()
    const { id } = await store.create('x')
    const waiting = store.wait(id)
    waiting.catch(() => {})
    await store.remove(id)
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_JOBSLOT_NO_JOB' })
    expect(await store.get(id)).toBeUndefined()
    expect(await store.pullJob()).toBeUndefined()
  })
})

describe('requests', () => {
  test.each([[null], [0], ['ü\u2028\n"'], [[1, { a: [] }]], [{ __proto__: null, n: 1 }]])(
    '%j come back as they were',
    async (request) => {
      const store = await testStore({ durability: 'os' })
      const { id } = await store.create(request)
      expect((await store.get(id))!.request).toEqual(request)
      expect((await store.pullJob())!.request).toEqual(request)
    },
  )

  test('that are no JSON, or too long, are refused, as are options that mean nothing', async () => {
    const store = await testStore({ durability: 'os' })
    await expect(store.create(undefined)).rejects.toThrow(TypeError)
    await expect(store.create('x'.repeat(17 * 1024 * 1024))).rejects.toMatchObject({ code: 'ERR_JOBSLOT_TOO_LONG' })
    await expect(store.create(1, { key: 'x'.repeat(5000) })).rejects.toMatchObject({ code: 'ERR_JOBSLOT_TOO_LONG' })
    await expect(store.create(1, { priority: 0.5 })).rejects.toThrow(/priority/)
    await expect(store.create(1, { delay: -1 })).rejects.toThrow(/delay/)
    await expect(store.create(1, { attempts: 0 })).rejects.toThrow(/attempts/)
    await expect(store.create(1, { after: ['x'] })).rejects.toThrow(/id/)
    await expect(store.get(-1)).rejects.toThrow(TypeError)
    expect(await store.stats()).toMatchObject({ pending: 0 })
  })

  test('many at once are one write', async () => {
    const store = await testStore()
    const created = await store.createMany(Array.from({ length: 500 }, (_, i) => i))
    expect(created.map(({ id }) => id)).toEqual(Array.from({ length: 500 }, (_, i) => i + 1))
    const { jobs, cursor } = await store.list({ limit: 200 })
    expect(jobs.map(({ request }) => request)).toEqual(Array.from({ length: 200 }, (_, i) => i))
    const rest = await store.list({ after: cursor, limit: 1000 })
    expect(rest).toMatchObject({ cursor: null })
    expect(rest.jobs.length).toBe(300)
    // All of one batch stand behind one mark of the disk, or none.
    expect(linesOf(store.dir).filter(({ d }) => d !== undefined).length).toBeLessThan(5)
  })
})

describe('waiting', () => {
  test('a pull gets what is created later, in order', async () => {
    const store = await testStore()
    const pulls = [store.pullJob({ wait: true }), store.pullJob({ wait: true })]
    await sleep(20)
    await store.create('a')
    await store.create('b')
    const jobs = await Promise.all(pulls)
    expect(jobs.map(({ request }) => request)).toEqual(['a', 'b'])
  })

  test('a pull that is aborted takes nothing', async () => {
    const store = await testStore()
    const stop = new AbortController()
    const pull = store.pullJob({ wait: true, signal: stop.signal })
    await sleep(10)
    stop.abort(new Error('enough'))
    await expect(pull).rejects.toThrow('enough')
    await expect(store.pullJob({ wait: true, signal: stop.signal })).rejects.toThrow('enough')
    const { id } = await store.create('a')
    expect(await store.get(id)).toMatchObject({ state: 'pending' })
  })

  test('a pull that is aborted while its claim goes to disk gives it back', async () => {
    const creator = await testStore()
    const { id } = await creator.create('a')
    // The first sync of a store is another thread's: there is time between the claim and its answer.
    const store = await testStore({ dir: creator.dir })
    const stop = new AbortController()
    const pull = store.pullJob({ wait: true, signal: stop.signal })
    setImmediate(() => stop.abort())
    await expect(pull).rejects.toThrow()
    const job = await store.pullJob({ wait: true, signal: AbortSignal.timeout(2000) })
    expect(job).toMatchObject({ id, attempt: 2 })
  })

  test('for a job ends with it, in time or not at all', async () => {
    const store = await testStore()
    const { id } = await store.create('a')
    await expect(store.wait(id, { timeout: 20 })).rejects.toMatchObject({ code: 'ERR_JOBSLOT_TIMEOUT' })
    await expect(store.wait(id, { signal: AbortSignal.timeout(20) })).rejects.toThrow()
    await expect(store.wait(12345)).rejects.toMatchObject({ code: 'ERR_JOBSLOT_NO_JOB' })
    const waiting = store.wait(id, { timeout: 5000 })
    await store.fulfill(id, 'v')
    expect(await waiting).toMatchObject({ state: 'fulfilled', value: Buffer.from('v') })
  })

  test('paused stores hand out nothing, until they are resumed', async () => {
    const store = await testStore()
    await store.create('a')
    await store.pause()
    expect(await store.pullJob()).toBeUndefined()
    const pull = store.pullJob({ wait: true })
    await sleep(20)
    expect(await store.stats()).toMatchObject({ paused: true, pending: 1 })
    await store.resume()
    expect((await pull).request).toBe('a')
  })
})

describe('close', () => {
  test('gives back what is claimed, and rejects what waits', async () => {
    const store = await testStore()
    const { id } = await store.create('a')
    await store.create('b')
    await store.pullJob()
    await store.pullJob()
    const pull = store.pullJob({ wait: true })
    const wait = store.wait(id)
    await sleep(5)
    const rejected = [pull, wait].map((promise) =>
      expect(promise).rejects.toMatchObject({ code: 'ERR_JOBSLOT_CLOSED' }),
    )
    await store.close()
    await store.close()
    await Promise.all(rejected)
    await expect(store.create('c')).rejects.toMatchObject({ code: 'ERR_JOBSLOT_CLOSED' })
    await expect(store.get(id)).rejects.toMatchObject({ code: 'ERR_JOBSLOT_CLOSED' })
    const again = await openStore({ dir: store.dir })
    expect(await again.stats()).toMatchObject({ pending: 2, active: 0, workers: 0 })
    await again.close()
  })

  test('lets what was asked for before go through', async () => {
    const store = await testStore()
    const created = store.create('a')
    await store.close()
    expect(await created).toMatchObject({ id: 1 })
  })
})
