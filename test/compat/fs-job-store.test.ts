import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type Old from '../../src/compat/fs-job-store.cts'
import { openStore } from '../../src/store/open.ts'
import { packageDir } from '../support/cli.ts'
import { tempDir, waitFor } from '../support/processes.ts'

type Class = typeof import('../../src/compat/fs-job-store.cts', { with: { 'resolution-mode': 'require' }})
type Store = InstanceType<Class>
type Callback<T> = (error: Error | null, result?: T) => void

const JobStore: Class = createRequire(join(packageDir, 'package.json'))('jobslot/compat/fs-job-store')

/** What a call with a callback calls back. */
const called = <T>(call: (callback: Callback<T>) => void): Promise<T | undefined> =>
  new Promise((resolve, reject) => call((error, result) => (error ? reject(error) : resolve(result))))

function oldStore(options: Partial<ConstructorParameters<Class>[0]> = {}): Store & { dir: string } {
  const dir = join(tempDir(), 'store')
  return Object.assign(new JobStore({ dir, ...options }), { dir: options.dir ?? dir })
}

async function newStore(dir: string) {
  const store = await openStore({ dir })
  onTestFinished(() => store.close())
  return store
}

const created = async (store: Store, request: unknown = 'x') =>
  (await called<{ id: string }>((callback) => store.create(request, callback)))!.id
const pulled = async (store: Store) => (await called<Old.Job>((callback) => store.pullJob(callback)))!

describe('respond', () => {
  test('is told of targets that were queued before and after, before the callback', async () => {
    const told: Record<string, string> = {}
    const store = oldStore({
      respond: (target, { value }, done) => {
        told[String(target)] = String(value)
        done(null)
      },
    })
    const id = await created(store, { service: 'bundler' })
    await called((callback) => store.queue(id, 'queued-before', callback))
    expect(told).toEqual({})
    await called((callback) => store.fulfill(id, 'no', callback))
    expect(told).toEqual({ 'queued-before': 'no' })
    await called((callback) => store.queue(id, 'queued-after', callback))
    expect(told).toEqual({ 'queued-before': 'no', 'queued-after': 'no' })
    expect(await called((callback) => store.pullNotification(callback))).toBeUndefined()
  })

  test('many jobs at once', async () => {
    const told: string[] = []
    const store = oldStore({
      respond: (target, { id, value }, done) => {
        told.push(`${target} ${id} ${value}`)
        setImmediate(done)
      },
    })
    const ids = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const id = await created(store)
        await called((callback) => store.queue(id, 'before', callback))
        const job = await pulled(store)
        await called((callback) => store.fulfill(job.id, 6, callback))
        await called((callback) => job.release(callback))
        await called((callback) => store.queue(job.id, 'after', callback))
        return job.id
      }),
    )
    expect(new Set(ids).size).toBe(20)
    expect(told.filter((line) => line.startsWith('after')).sort()).toEqual(ids.map((id) => `after ${id} 6`).sort())
    expect(told.filter((line) => line.startsWith('before')).length).toBe(20)
  })

  test('that fails, by callback or throw, leaves its target, and is told of', async () => {
    let isUp = false
    const failures: unknown[] = []
    const store = oldStore({
      respond: (target, _answer, done) => {
        if (isUp || target === 'good') done()
        else if (target === 'thrown') throw new Error('thrown')
        else done('called back')
        done(new Error('a second call says nothing'))
      },
    })
    store.onresponsefailure = ({ id, errors }) => failures.push([id, errors.map(String)])
    const id = await created(store)
    for (const target of ['good', 'thrown', 'bad']) await called((callback) => store.queue(id, target, callback))
    await called((callback) => store.fulfill(id, 'v', callback))
    expect(failures).toEqual([[id, ['Error: thrown', 'called back']]])
    const look = await newStore(store.dir)
    expect(await look.get(id)).toMatchObject({ waiting: ['thrown', 'bad'] })
    isUp = true
    await called((callback) => store.flush(id, callback))
    expect(await look.get(id)).toMatchObject({ waiting: [] })
    expect(failures.length).toBe(1)
  })
})

describe('jobs', () => {
  test('have the members that the README names', async () => {
    const store = oldStore()
    const id = await created(store, { calculate: '3+3' })
    expect(id).toMatch(/^\d+$/)
    const job = (await called<Old.Job>((callback) => store.pullWork(callback)))!
    expect(job).toMatchObject({
      id,
      version: 0,
      request: { calculate: '3+3' },
      value: { calculate: '3+3' },
      oncompromised: null,
    })
    expect(await called((callback) => store.pullWork(callback))).toBeUndefined()
    await called((callback) => job.release(callback))
    job.release()
    expect(await pulled(store)).toMatchObject({ id })
    expect(await created(store, undefined)).toBeDefined()
    expect(() => store.pullJob(undefined as never)).toThrow(TypeError)
    expect(() => store.pullNotification(undefined as never)).toThrow(TypeError)
  })

  test('get another request for their version, which begins with 0', async () => {
    const store = oldStore()
    const id = await created(store)
    await called((callback) => store.update(id, 0, 'y', callback))
    await expect(called((callback) => store.update(id, 0, 'z', callback))).rejects.toMatchObject({
      code: 'ERR_JOBSLOT_CONFLICT',
    })
    expect(await pulled(store)).toMatchObject({ request: 'y', version: 1 })
    await called((callback) => store.fulfill(id, 'v', callback))
    await expect(called((callback) => store.update(id, 1, 'z', callback))).rejects.toMatchObject({
      code: 'ERR_JOBSLOT_JOB_STATE',
    })
    await expect(called((callback) => store.fulfill('77', 'v', callback))).rejects.toMatchObject({
      code: 'ERR_JOBSLOT_NO_JOB',
    })
  })

  test('are compromised by others, and not by their own fulfilment', async () => {
    const store = oldStore()
    const own = await created(store, 'own')
    const lost = await created(store, 'lost')
    const told: string[] = []
    for (const job of [await pulled(store), await pulled(store)]) {
      job.oncompromised = () => told.push(String(job.request))
    }
    await called((callback) => store.fulfill(own, 'v', callback))
    const other = await newStore(store.dir)
    await other.cancel(lost)
    await waitFor(() => told.length > 0)
    expect(told).toEqual(['lost'])
  })

  test('stay when they are finished, whatever the store tidies up', async () => {
    const store = oldStore()
    const id = await created(store)
    await called((callback) => store.fulfill(id, Buffer.from('v'), callback))
    // So much that it is compacted.
    const large = 'x'.repeat(1_000_000)
    const isCompacted = () => readdirSync(store.dir).some((name) => name.startsWith('snapshot-'))
    await waitFor(async () => {
      await created(store, large)
      return isCompacted()
    }, 30_000)
    const look = await newStore(store.dir)
    expect((await look.get(id))?.value?.toString()).toBe('v')
  })
})

describe('notifications', () => {
  test('have the members that the README names, and take off those told', async () => {
    const store = oldStore()
    const id = await created(store)
    for (const target of ['a', { b: 1 }, 'c', 'c']) await called((callback) => store.queue(id, target, callback))
    await called((callback) => store.unqueue(id, 'a', callback))
    await called((callback) => store.unqueueAll(id, ['c', 'nobody'], callback))
    await called((callback) => store.fulfill(id, 'v', callback))
    const notification = (await called<Old.Notification>((callback) => store.pullNotification(callback)))!
    expect(notification).toMatchObject({ id, waiting: [{ b: 1 }, 'c'], value: Buffer.from('v'), oncompromised: null })
    expect(await called((callback) => store.pullNotification(callback))).toBeUndefined()
    await called((callback) => notification.done(new Error('ignored'), [{ b: 1 }], callback))
    const look = await newStore(store.dir)
    expect(await look.get(id)).toMatchObject({ waiting: ['c'] })
    await expect(called((callback) => notification.done(null, [], callback))).rejects.toMatchObject({
      code: 'ERR_JOBSLOT_CLAIM_LOST',
    })
  })
})

describe('the folder', () => {
  test('is made by the first call, and an error is that call’s only', async () => {
    const parent = join(tempDir(), 'parent')
    const store = oldStore({ dir: join(parent, 'store') })
    expect(existsSync(parent)).toBe(false)
    await expect(created(store)).rejects.toMatchObject({ code: 'ERR_JOBSLOT_STORE' })
    mkdirSync(parent)
    expect(await created(store)).toBe('1')
  })

  test('is a real one, whatever is given as fs', async () => {
    const fs = new Proxy({}, { get: () => expect.unreachable('nothing of it is used') })
    const store = oldStore({ fs })
    await created(store)
    expect(existsSync(join(store.dir, 'journal-0000000001'))).toBe(true)
  })
})
