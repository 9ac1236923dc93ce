// Runs in a folder where jobslot is installed from its tarball, in every runtime that `runtimes.mjs` knows, and uses
// nothing but the public API. The caller removes that folder, and everything made in it here.
import assert from 'node:assert/strict'
import { closeSync, constants, mkdtempSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { connect, JobslotError } from 'jobslot'
import OldStore from 'jobslot/compat/fs-job-store'
import * as fd from 'jobslot/fd'
import { lock, locks, tryLock } from 'jobslot/lock'
import { JobStore } from 'jobslot/store'

const folder = mkdtempSync(join(process.cwd(), 'smoke-'))

function openFifo(name) {
  const path = join(folder, name)
  fd.mkfifo(path)
  return { path, end: openSync(path, constants.O_RDWR) }
}

function openJobserver(name) {
  const { path, end } = openFifo(name)
  return { end, makeflags: ` -j3 --jobserver-auth=fifo:${path}` }
}

const descriptorChecks = {
  async 'write, read, available'() {
    const { end } = openFifo('read')
    assert.equal(fd.info(end).kind, 'fifo')
    assert.equal(fd.write(end, Uint8Array.of(255)), 1)
    assert.equal(fd.available(end), 1)
    assert.deepEqual([...(await fd.read(end, 1, { timeout: 5000 }))], [255])
    assert.equal(fd.write(end, Uint8Array.of(7)), 1)
    assert.deepEqual([...fd.readSync(end, 1, { timeout: 5000 })], [7])
    closeSync(end)
  },

  async 'read that waits, each way'() {
    const { end } = openFifo('ways')
    for (const way of ['own', 'splice', 'parked']) {
      const bytes = fd.read(end, 1, { timeout: 20_000, way })
      setTimeout(() => fd.write(end, Uint8Array.of(42)), 20)
      assert.deepEqual([...(await bytes)], [42], way)
    }
    closeSync(end)
  },

  async timeout() {
    const { end } = openFifo('timeout')
    await assert.rejects(fd.read(end, 1, { timeout: 20 }), { code: 'ERR_JOBSLOT_TIMEOUT' })
    assert.throws(() => fd.readSync(end, 1, { timeout: 20 }), { code: 'ERR_JOBSLOT_TIMEOUT' })
    assert.equal(await fd.poll(end, 'read', { timeout: 20 }), null)
    closeSync(end)
  },

  async abort() {
    const { end } = openFifo('abort')
    const controller = new AbortController()
    const reason = new Error('enough')
    setTimeout(() => controller.abort(reason), 20)
    await assert.rejects(fd.read(end, 1, { signal: controller.signal }), (error) => error === reason)
    closeSync(end)
  },

  async poll() {
    const { end } = openFifo('poll')
    const polled = fd.poll(end, 'read', { timeout: 20_000 })
    fd.write(end, Uint8Array.of(1))
    assert.equal((await polled)?.readable, true)
    assert.equal(fd.pollSync(end, 'write', { timeout: 0 })?.writable, true)
    closeSync(end)
  },

  async dup() {
    const { end } = openFifo('dup')
    const copy = fd.dup(end)
    closeSync(end)
    fd.write(copy, Uint8Array.of(3))
    assert.deepEqual([...fd.readSync(copy, 1)], [3])
    fd.close(copy)
    assert.throws(() => fd.dup(copy), { code: 'EBADF' })
  },
}

const mainChecks = {
  async require() {
    const require = createRequire(import.meta.url)
    assert.equal(require('jobslot/fd').dup, fd.dup)
    assert.equal(require('jobslot').connect, connect)
  },

  async 'worker thread'() {
    const worker = new Worker(new URL(import.meta.url))
    const message = await new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject))
    assert.deepEqual(message, Object.keys(descriptorChecks))
    // Of its own accord: nothing that the addon left there keeps the thread alive.
    await new Promise((resolve) => worker.on('exit', resolve))
  },

  // Whether the thread is gone when `terminate` resolves differs: it may still take the token, and then gives it back.
  async 'terminated worker thread'() {
    const { end, makeflags } = openJobserver('terminated')
    const worker = new Worker(new URL(import.meta.url), { workerData: makeflags })
    await new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject))
    await worker.terminate()
    fd.write(end, Uint8Array.of(9))
    await new Promise((resolve) => setTimeout(resolve, 500))
    assert.equal(fd.available(end), 1)
    closeSync(end)
  },

  async lock() {
    const where = { dir: folder }
    const first = await lock('it', { ...where, label: 'first' })
    assert.equal(tryLock('it', where), null)
    await assert.rejects(lock('it', { ...where, timeout: 20 }), { code: 'ERR_JOBSLOT_TIMEOUT' })
    const second = lock('it', { ...where, label: 'second' })
    const [{ holders, waiters }] = locks(where)
    assert.deepEqual(
      [...holders, ...waiters].map(({ label }) => label),
      ['first', 'second'],
    )
    first.release()
    ;(await second).release()
    assert.deepEqual(locks(where), [])
  },

  async store() {
    const store = await JobStore.open({ dir: join(folder, 'store') })
    const pull = store.pullJob({ wait: true })
    const { id } = await store.create({ calculate: '3+3' })
    await (await pull).fulfill('6')
    assert.equal(String((await store.wait(id, { timeout: 5000 })).value), '6')
    await store.close()
  },

  async 'compat/fs-job-store'() {
    assert.equal(createRequire(import.meta.url)('jobslot/compat/fs-job-store'), OldStore)
    const told = await new Promise((resolve, reject) => {
      const respond = (target, { value }, done) => {
        resolve(`${target} ${value}`)
        done()
      }
      const store = new OldStore({ dir: join(folder, 'old'), respond })
      const next = (call) => (error, result) => (error ? reject(error) : call(result))
      store.create(
        { calculate: '3+3' },
        next(({ id }) => {
          store.queue(
            id,
            'target',
            next(() =>
              store.pullJob(
                next((job) =>
                  store.fulfill(
                    job.id,
                    6,
                    next(() => {}),
                  ),
                ),
              ),
            ),
          )
        }),
      )
    })
    assert.equal(told, 'target 6')
  },

  async connect() {
    delete process.env.MAKEFLAGS
    assert.equal(connect(), null)

    const { end, makeflags } = openJobserver('jobserver')
    fd.write(end, Uint8Array.of(200, 201))
    process.env.MAKEFLAGS = makeflags
    const client = connect({ strict: true })
    assert.equal(client.jobs, 3)
    assert.equal(client.available, 3)
    const slots = [await client.acquire(), await client.acquire(), client.acquireSync({ timeout: 5000 })]
    assert.deepEqual(
      slots.map((slot) => slot.implicit),
      [true, false, false],
    )
    assert.equal(fd.available(end), 0)
    const late = client.acquire({ timeout: 50 })
    await assert.rejects(late, (error) => error instanceof JobslotError && error.code === 'ERR_JOBSLOT_TIMEOUT')

    const next = client.acquire({ timeout: 20_000 })
    setTimeout(() => slots.pop().release(), 20)
    assert.equal((await next).implicit, false)
    assert.equal(await client.run(() => 'ran', { timeout: 0 }).catch((error) => error.code), 'ERR_JOBSLOT_TIMEOUT')
    client.close()
    assert.deepEqual([...fd.readSync(end, 3, { timeout: 0 })].sort(), [200, 201])
    closeSync(end)
  },
}

async function run(checks) {
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check()
    } catch (error) {
      throw new Error(`smoke: ${name}: ${error.message}`, { cause: error })
    }
  }
}

if (isMainThread) {
  const checks = { ...descriptorChecks, ...mainChecks }
  await run(checks)
  console.log(`${Object.keys(checks).length} checks passed`)
  // A wait that never ends must not hold up process.exit; the caller gives up on a program that hangs.
  fd.read(openFifo('exit').end, 1)
  process.exit()
} else if (workerData) {
  connect({ env: { MAKEFLAGS: workerData }, strict: true }).acquire()
  parentPort.postMessage('waiting')
} else {
  await run(descriptorChecks)
  parentPort.postMessage(Object.keys(descriptorChecks))
}
