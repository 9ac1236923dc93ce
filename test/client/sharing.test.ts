import { expect, onTestFinished, test } from 'vitest'
import type { Client } from '../../src/client/client.ts'
import { connect } from '../../src/client/connect.ts'
import type { FifoJobserver } from '../support/jobserver.ts'
import { distinctTokens, fifoJobserver, namedJobserver, pipeJobserver, sortedHex } from '../support/jobserver.ts'
import { openFdCount, tempDir, waitFor } from '../support/processes.ts'
import { built, copyOfPackage, runUnder } from './program.ts'
import { connectTo } from './reach.ts'

const tokens = distinctTokens(3)

function clients(jobserver: FifoJobserver, count: number): Client[] {
  return Array.from({ length: count }, () => {
    const client = connectTo(jobserver)
    onTestFinished(() => client.close())
    return client
  })
}

test('two clients share one implicit slot', () => {
  const [one, other] = clients(fifoJobserver(tempDir(), tokens), 2) as [Client, Client]
  const implicit = other.tryAcquire()
  expect(implicit?.implicit).toBe(true)
  expect(one.tryAcquire()?.implicit).toBe(false)
  implicit?.release()
  expect(one.tryAcquire()?.implicit).toBe(true)
  expect([one.available, other.available]).toEqual([2, 2])
})

test('by path or by descriptors, it is the same jobserver', () => {
  const jobserver = fifoJobserver(tempDir(), tokens)
  const [byPath] = clients(jobserver, 1) as [Client]
  const ends = `${jobserver.readFd},${jobserver.writeFd}`
  const byEnds = connect({ env: { MAKEFLAGS: ` -j4 --jobserver-auth=${ends}` }, strict: true })
  onTestFinished(() => byEnds?.close())
  expect(byPath.tryAcquire()?.implicit).toBe(true)
  expect(byEnds?.tryAcquire()?.implicit).toBe(false)
})

test('two jobservers have an implicit slot each', () => {
  const [one] = clients(fifoJobserver(tempDir(), tokens), 1)
  const [other] = clients(fifoJobserver(tempDir(), tokens), 1)
  expect([one?.tryAcquire()?.implicit, other?.tryAcquire()?.implicit]).toEqual([true, true])
})

test('closing one gives back what it took, and nothing of the other', async () => {
  const jobserver = fifoJobserver(tempDir(), tokens)
  const [one, other] = clients(jobserver, 2) as [Client, Client]
  one.acquireSync()
  const kept = other.acquireSync()
  const returned = one.acquireSync()
  const alsoKept = other.acquireSync()
  const waiting = other.acquire()
  const abandoned = one.acquire()
  one.close()
  await expect(abandoned).rejects.toMatchObject({ code: 'ERR_JOBSLOT_CLOSED' })
  expect((await waiting).implicit).toBe(true)
  // The thread that read for the waiter may have taken it, and gives it back.
  await waitFor(() => one.available + other.available > 0, 2000, 'a token is back')
  expect(jobserver.drain()).toBe(sortedHex(Buffer.of(returned.token)))
  expect([kept, alsoKept].map((slot) => slot.index)).toEqual([0, 1])

  kept.release()
  expect(jobserver.drain()).toBe(sortedHex(Buffer.of(kept.token)))
  expect(other.tryAcquire()).toBeNull()
  other.close()
  expect(jobserver.drain()).toBe(sortedHex(Buffer.of(alsoKept.token)))
})

test('behind the last one everything is closed, and the next begins anew', () => {
  const jobserver = fifoJobserver(tempDir(), tokens)
  clients(jobserver, 1)[0]?.close()
  const before = openFdCount(process.pid)
  for (let round = 0; round < 20; round++) {
    const [one, other] = clients(jobserver, 2) as [Client, Client]
    expect(one.tryAcquire()?.implicit).toBe(true)
    one.close()
    expect(other.tryAcquire()?.implicit).toBe(true)
    other.close()
  }
  expect(openFdCount(process.pid)).toBe(before)
  expect(jobserver.drain()).toBe(sortedHex(tokens))
})

const jobservers = {
  pipe: () => pipeJobserver(tokens),
  fifo: () => namedJobserver(`${tempDir()}/jobserver`, tokens),
}

test.for(['pipe', 'fifo'] as const)(
  'two copies of the package share it, and both get their work done: %s',
  async (style) => {
    const { said, report, code } = await runUnder(
      jobservers[style](),
      `
    import * as copy from '${built('index.js', copyOfPackage())}'
    if (copy.connect === connect) throw new Error('that is no second copy')
    const [one, other] = [connect(), copy.connect()]
    let now = 0, peak = 0, implicit = 0, done = 0
    const work = async (slot) => {
      peak = Math.max(peak, ++now)
      if (slot.implicit) implicit++
      await new Promise((resolve) => setTimeout(resolve, 5))
      now--, done++
    }
    await Promise.all(Array.from({ length: 40 }, (_, i) => (i % 2 ? one : other).run(work)))
    const busy = [other.tryAcquire(), one.tryAcquire()].map((slot) => slot.implicit)
    one.close()
    const after = other.tryAcquire().implicit
    console.log(JSON.stringify({ done, peak, implicit: implicit > 0, busy, after }))
    `,
    )
    expect(said).toEqual({ done: 40, peak: 4, implicit: true, busy: [true, false], after: false })
    expect({ code, tokens: report.tokens }).toEqual({ code: 0, tokens: sortedHex(tokens) })
  },
)

test.for(['pipe', 'fifo'] as const)('worker threads have no implicit slot: %s', async (style) => {
  const { said, report } = await runUnder(
    jobservers[style](),
    `
    const take = \`
      const client = connect()
      const slots = [await client.acquire(), client.tryAcquire(), client.acquireSync({ timeout: 1000 })]
      parentPort.postMessage({ took: slots.map((slot) => slot.implicit), more: client.tryAcquire() })
      const waiting = client.acquire()
      for (const slot of slots) slot.release()
      parentPort.postMessage({ waited: (await waiting).implicit })
    \`
    const client = connect()
    const implicit = client.tryAcquire()
    const said = []
    const taking = worker(take)
    taking.on('message', (message) => said.push(message))
    await new Promise((resolve) => taking.on('exit', resolve))
    console.log(JSON.stringify({ main: implicit.implicit, said, available: client.available }))
    `,
  )
  expect(said).toEqual({
    main: true,
    said: [{ took: [false, false, false], more: null }, { waited: false }],
    // What the worker thread held when it ended came back.
    available: 3,
  })
  expect(report.tokens).toBe(sortedHex(tokens))
})

test('the slots of a main thread and of worker threads never exceed the limit', async () => {
  const { said, report } = await runUnder(
    jobservers.pipe(),
    `
    const counts = new Int32Array(new SharedArrayBuffer(12))
    const work = \`
      const client = connect()
      const count = (counts) => async () => {
        const now = Atomics.add(counts, 0, 1) + 1
        for (;;) {
          const peak = Atomics.load(counts, 1)
          if (now <= peak || Atomics.compareExchange(counts, 1, peak, now) === peak) break
        }
        await new Promise((resolve) => setTimeout(resolve, 2))
        Atomics.sub(counts, 0, 1)
        Atomics.add(counts, 2, 1)
      }
      const run = (counts) => Promise.all(Array.from({ length: 30 }, () => client.run(count(counts))))
    \`
    const others = [1, 2].map(() => {
      const other = worker(work + "parentPort.once('message', async (counts) => { await run(counts); process.exit() })")
      other.postMessage(counts)
      return new Promise((resolve) => other.on('exit', resolve))
    })
    const mine = await import('data:text/javascript,' + encodeURIComponent(prelude + work + 'export { run }'))
    await Promise.all([...others, mine.run(counts)])
    console.log(JSON.stringify([...counts]))
    `,
  )
  expect(said).toEqual([0, 4, 90])
  expect(report.tokens).toBe(sortedHex(tokens))
})
