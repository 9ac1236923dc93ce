import fc from 'fast-check'
import { expect, test } from 'vitest'
import { JobslotError } from '../../src/errors.ts'
import type { JobStore } from '../../src/store/job-store.ts'
import { edited, edits, forAllAsync, fuzzTimeout, oddNumbers } from '../support/fuzz.ts'
import { hostileLines, stamped } from './hostile-lines.ts'
import { Inode } from './sim-file.ts'
import { Machine } from './sim-machine.ts'
import { Random } from './sim-random.ts'
import { openSimulated as open } from './sim-store.ts'

type Files = ReadonlyMap<string, Buffer>

/** A machine that starts with these files in the store's folder. */
function machineWith(files: Files, durable = 0): Machine {
  const machine = new Machine(new Random(2))
  for (const [name, bytes] of files) {
    const inode = new Inode()
    inode.cached = Buffer.from(bytes)
    inode.synced = Buffer.from(bytes)
    machine.change({ add: name, inode })
  }
  machine.syncFolder()
  machine.durable = durable
  return machine
}

/** A journal, or a snapshot and the journal behind it, with jobs of every kind. */
async function sample(compacted: boolean): Promise<Files> {
  const machine = new Machine(new Random(1))
  const store = await open(machine, 1)
  const fill = async (from: number) => {
    for (let i = 0; i < 4; i++) await store.create(`job ${from + i}`, { priority: i })
    await (await store.pullJob())!.fulfill('a')
    await (await store.pullJob())!.fail(new Error('b'))
    await store.create(`job ${from + 4}`, { key: `k${from}`, after: [1], attempts: 2 })
    await store.queue(2, { target: from })
  }
  await fill(0)
  if (compacted) {
    await store.compact()
    await fill(5)
  }
  await store.close()
  return new Map([...machine.folder].map(([name, { cached }]) => [name, cached]))
}

const requestsOf = async (store: JobStore) =>
  (await store.list({ limit: 1000 })).jobs.map(({ request }) => JSON.stringify(request))

/** What is in order is answered, what is not is told. */
function refused(error: unknown): undefined {
  if (!(error instanceof JobslotError)) throw error
}

/** As far as there are any, whatever the iteration waits for then. */
async function eventsOf(store: JobStore): Promise<unknown[]> {
  const events = store.events({ from: 0 })
  const found: unknown[] = []
  for (;;) {
    const next = events.next()
    const quiet = (async () => {
      for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve))
      return null
    })()
    const result = await Promise.race([next, quiet]).catch(refused)
    if (!result || result.done) break
    found.push(result.value)
  }
  await events.return()
  return found
}

/** All that reads what lies there, and writes behind it. */
async function useAll(store: JobStore): Promise<void> {
  await store.stats()
  for (const { id } of (await store.list().catch(refused))?.jobs ?? []) await store.get(id).catch(refused)
  await store.verify()
  await eventsOf(store)
  await store.create('new').catch(refused)
  await (await store.pullJob().catch(refused))?.fail(new Error('tried')).catch(refused)
  await (await store.pullNotification().catch(refused))?.done(null, []).catch(refused)
}

/** Each job as it is told, but for what time alone changes. */
async function allOf(store: JobStore): Promise<unknown[]> {
  const { jobs } = await store.list({ limit: 1000 })
  return Promise.all(jobs.map(({ id }) => store.get(id).catch((error) => refused(error) ?? `job ${id}: ${error}`)))
}

const header = { n: 0, format: 1, segment: 1, from: 0 }
const heads = fc.oneof(
  fc.constant(null),
  fc.record({ n: oddNumbers, format: fc.constant(1), segment: fc.constant(2), from: oddNumbers }),
)
const names = fc.constantFrom('journal-0000000002', 'journal-0000000007', 'journal-9999999999', 'snapshot-9999999999')

test(
  'lines that make no sense are no end of a store: it tells, goes on, and can be compacted',
  () =>
    forAllAsync(120, fc.tuple(hostileLines, heads, names, hostileLines), async ([lines, head, name, more]) => {
      const files = new Map([['journal-0000000001', stamped([header, ...lines])]])
      if (head) files.set(name, stamped([head, ...more]))
      const machine = machineWith(files)
      const store = await open(machine, 7).catch(refused)
      if (!store) return
      await useAll(store)
      const compacted = await store.compact().catch(refused)
      const before = await allOf(store)
      await store.close()
      const again = await open(machine, 8)
      if (compacted) {
        expect(await again.verify()).toMatchObject({ damage: [], missing: 0, impossible: 0 })
        // An update repeats the options of its job. Where it does not, two answers are as good.
        if (![...lines, ...more].some(({ op }) => op === 'update')) expect(await allOf(again)).toEqual(before)
      }
      await again.close()
    }),
  fuzzTimeout,
)

test.each([false, true])(
  'damage anywhere is told, or costs the end of a journal alone (compacted: %s)',
  async (compacted) => {
    const files = await sample(compacted)
    const whole = await open(machineWith(files), 7)
    const written = await requestsOf(whole)
    await whole.close()
    await forAllAsync(120, fc.tuple(fc.constantFrom(...files.keys()), edits(3)), async ([name, changes]) => {
      const bytes = edited(files.get(name)!, changes)
      const machine = machineWith(new Map([...files, [name, bytes]]))
      const store = await open(machine, 7)
      const found = await requestsOf(store)
      const { ok } = await store.verify()
      for (const request of found) if (!written.includes(request)) throw new Error(`made up: ${request}`)
      // A journal that ends sooner may be one whose end was lost with the power, and never answered for.
      if (ok) expect(found).toEqual(written.slice(0, found.length))
      if (ok && name.startsWith('snapshot')) expect(found).toEqual(written)
      await useAll(store)
      await store.close()
    })
  },
  fuzzTimeout,
)
