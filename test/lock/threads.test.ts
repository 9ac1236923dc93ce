import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { lock, locks, tryLock } from '../../src/lock.ts'
import { tempDir, waitFor } from '../support/processes.ts'
import { isFree, lockModule, startParty } from './party.ts'

/** Code for a party: `thread(code)` starts a worker thread with `jobslot/lock` in reach, and waits for its first word. */
const withThreads = `
  held.threads ??= []
  const thread = (code) => new Promise((resolve, reject) => {
    const worker = new Worker(\`
      const { parentPort } = await import('node:worker_threads')
      const { lock, tryLock } = await import('${lockModule}')
      const { setTimeout: sleep } = await import('node:timers/promises')
      const say = (word) => parentPort.postMessage(word)
      \${code}\`, { eval: true })
    held.threads.push(worker)
    worker.once('message', resolve).once('error', reject)
  })
  const terminate = () => Promise.all(held.threads.splice(0).map((worker) => worker.terminate()))
`

describe('a worker thread that is terminated', () => {
  test.each([
    ['holds', `await lock('a', OPTIONS); say('holds'); await sleep(60_000)`],
    ['holds, shared', `await lock('a', { ...OPTIONS, shared: true }); say('holds'); await sleep(60_000)`],
    ['holds, in a loop', `await lock('a', OPTIONS); say('holds'); for (;;);`],
  ])('while it %s: the lock is free, and the next is told', async (_, code) => {
    const dir = tempDir()
    const party = await startParty()
    await party.do(`${withThreads} await thread(${JSON.stringify(code.replace('OPTIONS', JSON.stringify({ dir })))})`)
    const waiting = lock('a', { dir, timeout: 5000 })
    await waitFor(() => locks({ dir })[0]?.waiters.length === 1)
    await party.do(`${withThreads} await terminate()`)
    const own = await waiting
    expect(own.abandonedBy).toMatchObject({ pid: party.pid })
    own.release()
  })

  test('while it waits: it is out of the line', async () => {
    const dir = tempDir()
    const party = await startParty()
    await party.lock('a', { dir })
    const code = `say(''); await lock('a', ${JSON.stringify({ dir })})`
    await party.do(`${withThreads} await thread(${JSON.stringify(code)})`)
    await waitFor(() => locks({ dir })[0]?.waiters.length === 1)
    const next = lock('a', { dir, timeout: 5000 })
    await waitFor(() => locks({ dir })[0]?.waiters.length === 2)
    await party.do(`${withThreads} await terminate()`)
    expect(locks({ dir })[0]?.waiters).toMatchObject([{ pid: process.pid }])
    await party.release()
    const own = await next
    expect(own.abandonedBy).toBeNull()
    own.release()
  })

  test('in the middle of anything, 40 times: no descriptor is left open, no lock held', {
    timeout: 60_000,
  }, async () => {
    const dir = tempDir()
    const party = await startParty()
    const code = `say('')
      for (let i = 0; ; i++) {
        const waits = [0, 1, 2].map((n) => lock('abc'[(i + n) % 3], { dir: ${JSON.stringify(dir)}, shared: n === 2, timeout: 1 + n }))
        for (const wait of waits) wait.then((held) => held.release(), () => {})
        tryLock('a', { dir: ${JSON.stringify(dir)} })?.release()
        await sleep(1)
      }`
    const left = await party.do(`${withThreads}
      const round = async () => {
        await Promise.all([thread(${JSON.stringify(code)}), thread(${JSON.stringify(code)})])
        await sleep(Math.random() * 30)
        await terminate()
      }
      await round()
      await sleep(200)
      const before = openFds()
      for (let i = 0; i < 20; i++) await round()
      await sleep(200)
      return openFds() - before`)
    expect(left).toBe(0)
    for (const name of ['a', 'b', 'c']) await waitFor(() => isFree(name, { dir }))
    expect(locks({ dir })).toEqual([])
  })
})

test('a worker thread that comes to its end gives its files back', async () => {
  const dir = tempDir()
  const party = await startParty()
  const code = `const own = tryLock('a', ${JSON.stringify({ dir })}); own.release(); say('done')`
  await party.do(`${withThreads} await thread(${JSON.stringify(code)})`)
  await waitFor(() => readdirSync(dir).length === 0)
  expect(tryLock('a', { dir })?.abandonedBy).toBeNull()
})
