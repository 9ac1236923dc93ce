import { readdirSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import { built, program } from '../client/program.ts'
import { run } from '../support/processes.ts'
import { testStore } from './folder.ts'

test('what oncompromised throws is uncaught, and nothing of the store ends by it', async () => {
  const store = await testStore()
  const { id } = await store.create('a')
  await store.create('b')
  const job = (await store.pullJob())!
  job.oncompromised = () => {
    throw new Error('of the callback')
  }
  const thrown: unknown[] = []
  const before = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => thrown.push(error))
  onTestFinished(() => {
    process.removeAllListeners('uncaughtException')
    for (const listener of before) process.on('uncaughtException', listener)
  })
  await store.cancel(id)
  expect(thrown).toMatchObject([{ message: 'of the callback' }])
  expect(await store.stats()).toMatchObject({ cancelled: 1, pending: 1, active: 0, workers: 0 })
  expect((await store.pullJob())?.request).toBe('b')
})

test('oncompromised that is set too late is called all the same, once', async () => {
  const store = await testStore()
  const { id } = await store.create('a')
  const job = (await store.pullJob())!
  await store.cancel(id)
  const told: unknown[] = []
  job.oncompromised = (reason) => told.push(reason)
  await Promise.resolve()
  job.oncompromised = (reason) => told.push(reason)
  await Promise.resolve()
  expect(told).toMatchObject([{ code: 'ERR_JOBSLOT_CLAIM_LOST' }])
  expect(job.signal.reason).toBe(told[0])
})

test('a run may last for longer than a timer can', async () => {
  const store = await testStore()
  await store.create('a', { timeout: 2 ** 32 })
  const job = (await store.pullJob())!
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(job.signal.aborted).toBe(false)
  await job.fulfill()
})

test('a lease may be longer than a timer can wait', async () => {
  const store = await testStore({ lease: 2 ** 40 })
  await store.create('a')
  const warnings: unknown[] = []
  const listen = (warning: unknown) => warnings.push(warning)
  process.on('warning', listen)
  onTestFinished(() => void process.off('warning', listen))
  await (await store.pullJob())!.fulfill()
  await new Promise((resolve) => setTimeout(resolve, 10))
  expect(warnings).toEqual([])
})

test('the disposal of a job or notification releases it, unless it has ended', async () => {
  const store = await testStore()
  const { id } = await store.create('a')
  await store.queue(id, 't')
  const first = (await store.pullJob())!
  await first[Symbol.asyncDispose]()
  expect(await store.get(id)).toMatchObject({ state: 'pending' })
  const second = (await store.pullJob())!
  await second.fulfill('v')
  await second[Symbol.asyncDispose]()
  expect(await store.get(id)).toMatchObject({ state: 'fulfilled' })
  const notification = (await store.pullNotification())!
  await notification.done(null, ['t'])
  await notification[Symbol.asyncDispose]()
  expect(await store.get(id)).toMatchObject({ state: 'fulfilled', waiting: [] })
  await store[Symbol.asyncDispose]()
  await expect(store.stats()).rejects.toMatchObject({ code: 'ERR_JOBSLOT_CLOSED' })
})

test('a process that ends without closing its store ends at once, leaves its claims, and no file', async () => {
  const store = await testStore()
  const { id } = await store.create('a')
  const code = `
    const { JobStore } = await import('${built('store.js')}')
    const store = await JobStore.open({ dir: ${JSON.stringify(store.dir)} })
    const job = await store.pullJob()
    job.signal.addEventListener('abort', () => {})
    console.log(job.id)`
  const { stdout, code: status } = await run(program(code))
  expect({ stdout, status }).toEqual({ stdout: `${id}\n`, status: 0 })
  expect(readdirSync(store.dir).filter((name) => name.startsWith('worker-'))).toEqual([])
  expect(await store.pullJob()).toMatchObject({ id, attempt: 2 })
})

test('the fencing number grows with each claim, and the higher one counts', async () => {
  const store = await testStore()
  await store.create('a')
  const first = (await store.pullJob())!
  await first.release()
  const other = await openStore({ dir: store.dir })
  const second = (await other.pullJob())!
  expect(second.claim).toBeGreaterThan(first.claim)
  for (const late of [() => first.fulfill('x'), () => first.fail('x'), () => first.progress(1)]) {
    await expect(late()).rejects.toMatchObject({ code: 'ERR_JOBSLOT_CLAIM_LOST' })
  }
  await first.release()
  await second.fulfill('y')
  await other.close()
})

test('who works on a job learns that another process has cancelled it, though it waits for nothing', async () => {
  const store = await testStore()
  const other = await openStore({ dir: store.dir })
  const { id } = await store.create('a')
  const job = (await store.pullJob())!
  const aborted = new Promise((resolve) => job.signal.addEventListener('abort', resolve))
  await other.cancel(id)
  await other.close()
  const begin = performance.now()
  await aborted
  expect(performance.now() - begin).toBeLessThan(5000)
})

test('a job whose worker was lost as often as it may be has failed', async () => {
  const store = await testStore()
  const { id } = await store.create('a', { losses: 2 })
  const die = `
    const { JobStore } = await import('${built('store.js')}')
    const store = await JobStore.open({ dir: ${JSON.stringify(store.dir)} })
    await store.pullWork()
    process.kill(process.pid, 'SIGKILL')`
  await run(program(die))
  expect(await store.get(id)).toMatchObject({ lost: 0, state: 'active' })
  const again = (await store.pullWork())!
  expect(again).toMatchObject({ id, attempt: 2 })
  await again.release()
  await run(program(die))
  // It died before anybody waited: that is seen at once, not when its lease is over.
  expect(await store.wait(id, { timeout: 4000 })).toMatchObject({
    state: 'failed',
    attempt: 3,
    error: { code: 'ERR_JOBSLOT_JOB_LOST' },
  })
})
