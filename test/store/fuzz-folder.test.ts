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

/** Two segments, or a snapshot and the segment behind it, each with jobs of every kind. */
async function sample(compacted: boolean): Promise<Files> {
  const machine = new Machine(new Random(1))
  const store = await open(machine, 1)
  const fill = async (from: number) => {
    for (let i = 0; i < 4; i++) await store.create(`job ${from + i}`, { priority: i })
    await (await store.pullJob())!.fulfill('a')
    await (await store.pullJob())!.fail(new Error('b'))
    await store.create(`job ${from + 4}`, { key: 'k', after: [from > 4 ? 1 : 2], attempts: 2 })
  }
  await fill(0)
  if (compacted) await store.compact()
  else await store.close()
  const second = compacted ? store : await open(machine, 2)
  if (!compacted) await second.verify()
  await (compacted ? fill(5) : Promise.all([second.create('job 5'), second.create('job 6')]))
  await second.close()
  return new Map([...machine.folder].map(([name, { cached }]) => [name, cached]))
}

const requestsOf = async (store: JobStore) =>
  (await store.list({ limit: 1000 })).jobs.map(({ request }) => JSON.stringify(request))

/** Uses all that reads: whatever it finds, it answers or says what is wrong. */
async function useAll(machine: Machine): Promise<JobStore | null> {
  const refusals: unknown[] = []
  const refused = (error: unknown) => {
    if (!(error instanceof JobslotError)) throw error
    refusals.push(error)
    return undefined
  }
  const store = await open(machine, 7).catch(refused)
  if (!store) return null
  await store.stats()
  for (const { id } of (await store.list().catch(refused))?.jobs ?? []) await store.get(id).catch(refused)
  await store.verify()
  await store.create('new').catch(refused)
  await (await store.pullJob().catch(refused))?.fail(new Error('tried')).catch(refused)
  await (await store.pullNotification().catch(refused))?.done(null, []).catch(refused)
  for await (const { position } of store.events({ from: 0, signal: AbortSignal.timeout(5000) })) {
    if (position >= store.position) break
  }
  return store
}
