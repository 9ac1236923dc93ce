import { describe, expect, test } from 'vitest'
import type { JobStore } from '../../src/store/job-store.ts'
import { Machine, Process, simLines } from './sim-machine.ts'
import { Random } from './sim-random.ts'
import { openSimulated as open } from './sim-store.ts'

/** The bytes of a journal with a bit of everything, all synced. */
async function sample(jobs = 6): Promise<Buffer> {
  const machine = new Machine(new Random(1))
  const store = await open(machine, 1)
  for (let i = 0; i < jobs; i++) await store.create({ i, text: 'ü"{} {"' })
  await (await store.pullJob())!.fulfill('a')
  await (await store.pullJob())!.fail(new Error('b'))
  await Promise.all([store.create(7), store.create(8), store.queue(1, 'x'), store.cancel(jobs)])
  await store.close()
  return machine.folder.get('journal-0000000001')!.cached
}

/** The machine after a restart, with this journal. */
async function machineWith(bytes: Buffer, durable = 0): Promise<Machine> {
  const machine = new Machine(new Random(2))
  await (await open(machine, 1)).close()
  const inode = machine.folder.get('journal-0000000001')!
  inode.cached = Buffer.from(bytes)
  inode.synced = Buffer.from(bytes)
  machine.durable = durable
  machine.end = 0
  return machine
}

const linesIn = (bytes: Buffer): string[] =>
  bytes
    .toString('utf8', 0, simLines.whole(bytes, 0, bytes.length))
    .split('\n')
    .slice(0, -1)

const requestsOf = async (store: JobStore) => (await store.list()).jobs.map(({ request }) => JSON.stringify(request))

const created = (lines: readonly string[]) =>
  lines
    .map((line) => JSON.parse(line.slice(9)))
    .filter(({ op }) => op === 'create')
    .map(({ request }) => JSON.stringify(request))

describe('a journal that is cut', () => {
  test('at any byte: what is whole counts, in silence, and life goes on', async () => {
    const bytes = await sample()
    for (let length = 0; length <= bytes.length; length++) {
      const machine = await machineWith(bytes.subarray(0, length))
      const store = await open(machine, 2)
      const wanted = created(linesIn(bytes.subarray(0, length)))
      expect(await requestsOf(store), `cut at ${length}`).toEqual(wanted)
      await store.create('new')
      expect(await store.verify(), `cut at ${length}`).toMatchObject({ ok: true })
      await store.close()
      const again = await open(machine, 3)
      expect(await requestsOf(again), `cut at ${length}`).toEqual([...wanted, '"new"'])
      await again.close()
    }
  }, 240_000)

  test('ends where the first line is not whole, whatever comes behind', async () => {
    const bytes = await sample()
    const lines = linesIn(bytes)
    // Behind the last mark: the four of the last batch but the first.
    const at = bytes.indexOf(lines.at(-3)!)
    const torn = Buffer.from(bytes)
    torn[at + 20]! ^= 1
    const store = await open(await machineWith(torn), 2)
    expect(await requestsOf(store)).toEqual(created(lines.slice(0, -3)))
    expect(await store.verify()).toMatchObject({ ok: true })
    await store.close()
  })
})

test('a torn tail that makes way for lines while somebody looks at it is no damage', async () => {
  const bytes = await sample()
  const at = bytes.length
  const { n } = JSON.parse(linesIn(bytes).at(-1)!.slice(9))
  const create = (i: number) => `00000000 {"n":${n + i},"t":1,"op":"create","request":${i}}\n`
  const lines = Buffer.from(`${create(1)}${create(2)}`)
  const replaced = async () => {
    const machine = await machineWith(Buffer.concat([bytes, Buffer.alloc(300, 'x')]))
    const own = new Process(machine, 2)
    const store = await open(machine, 2, own)
    const other = new Process(machine, 3)
    other.appender.use('journal-0000000001', 1)
    const { durable } = own.appender
    // Asked for when a line was found broken.
    own.appender.durable = () => {
      own.appender.durable = durable
      expect(other.appender.cut(at)).toBe(1)
      expect(other.appender.append(lines, lines.length, at)).toBe(1)
      other.appender.vouch(2 ** 32 + at + lines.length)
      return durable()
    }
    return store
  }
  const looking = await replaced()
  const { jobs } = await looking.list()
  expect(jobs.slice(-2).map(({ request }) => request)).toEqual([1, 2])
  expect((await looking.stats()).damage).toEqual([])
  await looking.close()
  const verifying = await replaced()
  expect((await verifying.verify()).damage).toEqual([])
  await verifying.close()
})

describe('a bit that is another', () => {
  test('anywhere in what was synced costs the line that it is in, and is told', async () => {
    const bytes = await sample(3)
    const lines = linesIn(bytes)
    let start = 0
    let line = 0
    for (let at = 0; at < bytes.length; at++) {
      if (at === start + Buffer.byteLength(lines[line]!) + 1) {
        start = at
        line++
      }
      const left = created(lines.filter((_, i) => i !== line))
      for (let bit = 0; bit < 8; bit++) {
        const flipped = Buffer.from(bytes)
        flipped[at]! ^= 1 << bit
        const machine = await machineWith(flipped, 2 ** 32 + bytes.length)
        const store = await open(machine, 2)
        expect(await requestsOf(store), `bit ${bit} of byte ${at}`).toEqual(left)
        const { damage } = await store.stats()
        expect(damage, `bit ${bit} of byte ${at}`).toMatchObject([{ file: 'journal-0000000001', offset: start }])
        if (bit === at % 8) await expectRepair(machine, store, left)
        else await store.close()
      }
    }
  }, 240_000)

  async function expectRepair(machine: Machine, store: JobStore, left: readonly string[]): Promise<void> {
    expect((await store.verify()).damage).toEqual((await store.stats()).damage)
    await store.create('new')
    await store.compact()
    expect(await store.verify()).toMatchObject({ ok: true })
    await store.close()
    const again = await open(machine, 3)
    expect(await requestsOf(again)).toEqual([...left, '"new"'])
    expect((await again.stats()).damage).toEqual([])
    await again.close()
  }

  test('in a snapshot costs the job that it is in', async () => {
    const machine = await machineWith(await sample())
    const store = await open(machine, 2)
    const before = await requestsOf(store)
    await store.compact()
    await store.close()
    const snapshot = machine.folder.get('snapshot-0000000002')!.cached
    const lines = linesIn(snapshot)
    for (let at = 0; at < snapshot.length; at += 7) {
      snapshot[at]! ^= 4
      const line = snapshot.toString('latin1', 0, at).split('\n').length - 1
      const damaged = await open(machine, 3)
      const left = before.filter((_, i) => i !== line - 1)
      expect(await requestsOf(damaged), `byte ${at}`).toEqual(left)
      expect((await damaged.verify()).damage.length, `byte ${at}`).toBeGreaterThan(0)
      await damaged.close()
      snapshot[at]! ^= 4
    }
    expect(lines.length).toBe(before.length + 2)
  })
})
