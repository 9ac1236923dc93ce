import { existsSync, readdirSync, rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { allPools, type PoolPlace } from '../../src/broker/place.ts'
import { openPool } from '../../src/index.ts'
import { tempDir, waitFor } from '../support/processes.ts'
import { asked, failure, named } from './named.ts'

describe('a pool by name', () => {
  test('is shared by processes, and its broker ends a while after the last has left', async () => {
    const n = named()
    const own = await n.connect('ci', { slots: 2 })
    const other = n.program(`
      const pool = await BrokerClient.connect('ci')
      const joined = await pool.join(asked({ label: 'theirs' }))
      say({ id: joined.id, broker: pool.brokerPid })
      const alive = setInterval(() => {}, 1000)
      await new Promise((resolve) => process.once('SIGUSR1', resolve))
      clearInterval(alive)
      say(await pool.leave(joined.id, { signaled: false }))
      await pool.close()`)
    expect(await other.says()).toMatchObject({ broker: own.brokerPid })
    const mine = await own.join(asked({ label: 'mine' }))
    expect(mine).toMatchObject({ slots: 1, fifo: null, mark: `ci/${mine.id}` })
    const status = await own.status()
    expect(status).toMatchObject({ pool: 'ci', slots: 2, free: 0, waiters: [] })
    expect(status.members.map(({ label, base }) => ({ label, base }))).toEqual([
      { label: 'theirs', base: 1 },
      { label: 'mine', base: 1 },
    ])
    expect(status.members.map(({ pid }) => pid)).toEqual([other.pid, process.pid])
    process.kill(other.pid, 'SIGUSR1')
    expect(await other.says(2)).toEqual({ missing: 0, extra: 0 })
    expect((await other.result).code).toBe(0)
    await own.leave(mine.id, { signaled: false })
    expect(await own.status()).toMatchObject({ free: 2, members: [] })
    await own.close()
    const from = performance.now()
    await waitFor(() => n.brokers().length === 0)
    expect(performance.now() - from).toBeLessThan(1500)
    expect(n.left()).toEqual([])
    expect(readdirSync(join(n.dir, 'pools'))).toEqual(['ci.json'])
  })

  test('keeps its size, and its numbers are never given twice', async () => {
    const n = named()
    const first = await n.connect('ci', { slots: 3 })
    const { id } = await first.join(asked())
    await first.resize(5)
    await first.govern({ maxLoad: 1000 })
    await first.close()
    await waitFor(() => n.brokers().length === 0)
    const second = await n.connect('ci')
    expect(await second.status()).toMatchObject({ slots: 5, governor: { limits: { maxLoad: 1000 } } })
    expect((await second.join(asked())).id).toBeGreaterThan(id)
  })

  test('has as many slots as the host has CPUs where nobody has said; then whoever says so first', async () => {
    const n = named()
    const warnings: string[] = []
    const onWarning = ({ message }: Error) => warnings.push(message)
    const first = await n.connect('default', { onWarning })
    expect((await first.status()).slots).toBe(cpus().length)
    const second = await n.connect('default', { slots: 7, onWarning })
    expect((await first.status()).slots).toBe(7)
    await second.close()
    expect(warnings).toEqual([])
    await n.connect('default', { slots: 8, onWarning })
    expect(warnings).toEqual(['pool "default" has 7 slots, not 8: its size is set with "jobslot resize"'])
    expect((await first.status()).slots).toBe(7)
  })

  test('is opened with openPool, which tells of another size by an event', async () => {
    const n = named()
    process.env.JOBSLOT_POOL = 'from the environment'
    try {
      const pool = await openPool(undefined, { slots: 2, label: 'tests' })
      expect(pool.name).toBe('from the environment')
      const again = await openPool(undefined, { slots: 3 })
      const [warning] = await new Promise<[Error]>((resolve) => again.on('warning', (warning) => resolve([warning])))
      expect(warning).toMatchObject({ code: 'ERR_JOBSLOT_POOL_WARNING' })
      const slot = await pool.acquire()
      const member = await again.spawn('sh', ['-c', 'test -n "$JOBSLOT_MEMBER"'])
      expect(await member.exited).toEqual({ code: 0, signal: null })
      slot.release()
      expect((await pool.status()).members.map(({ kind, label }) => [kind, label])).toEqual([
        ['process', 'tests'],
        ['process', null],
      ])
      await pool.close()
      await again.close()
      await waitFor(() => n.brokers().length === 0)
      expect(n.left()).toEqual([])
    } finally {
      delete process.env.JOBSLOT_POOL
    }
  })

  test.each([
    '',
    'a b/c\nd',
    '../../etc',
    '.',
    '-rf',
    'ä€😀\u0000\ud800',
    '\'"$(true)',
    'x'.repeat(5000),
    '__proto__',
    '%41',
    'A',
  ])('may be called anything: %j', async (name) => {
    const n = named()
    const pool = await n.connect(name, { slots: 2 })
    const { mark, id, fifo } = await pool.join(asked({ kind: 'run', draws: true }))
    expect(mark).toMatch(/^[^\s/]+\/\d+$/)
    expect(fifo && existsSync(fifo)).toBe(true)
    expect((await pool.status()).pool).toBe(name)
    // By what lies in the folder it is found, too.
    const [place] = allPools()
    expect((await n.connect(place as PoolPlace)).brokerPid).toBe(pool.brokerPid)
    await pool.leave(id, { signaled: false })
  })

  test('of another name is another', async () => {
    const n = named()
    const pools = await Promise.all(['a', 'A', '%41', 'a '].map((name) => n.connect(name, { slots: 1 })))
    await Promise.all(pools.map((pool) => pool.join(asked())))
    expect(new Set(pools.map(({ brokerPid }) => brokerPid)).size).toBe(4)
  })

  test('in a folder with a space in its path has its FIFOs elsewhere: make and ninja can read the path', async () => {
    const n = named({ dir: join(tempDir(), '..', `jobslot white space ${process.pid}`) })
    const pool = await n.connect('ci', { slots: 2 })
    const { fifo, id } = await pool.join(asked({ kind: 'run', draws: true }))
    expect(fifo).toMatch(/^\S+$/)
    await pool.leave(id, { signaled: false })
    await pool.close()
    await waitFor(() => n.brokers().length === 0)
    expect(n.left()).toEqual([])
    expect(existsSync(join(fifo as string, '..'))).toBe(false)
  })
})

describe('a member', () => {
  test('that ends without a word keeps its slot as long as its command runs', async () => {
    const n = named()
    const pool = await n.connect('ci', { slots: 1 })
    const other = n.program(`
      const pool = await openPool('ci')
      const { pid } = await pool.spawn('sleep', ['30'])
      say(pid)
      await sleep(60_000)`)
    const command = (await other.says()) as number
    process.kill(other.pid, 'SIGKILL')
    await other.result
    await sleep(100)
    expect(await pool.status()).toMatchObject({ free: 0 })
    const waiting = pool.join(asked())
    process.kill(command, 'SIGKILL')
    await waiting
    expect((await pool.status()).members).toHaveLength(1)
  })

  test('that gives up in the moment in which it is let in does not keep the slot', async () => {
    const n = named()
    const pool = await n.connect('ci', { slots: 1 })
    for (let i = 0; i < 200; i++) {
      const held = await pool.join(asked())
      const ended = new AbortController()
      const waiting = pool.join(asked(), { signal: ended.signal }).catch(() => null)
      const leaving = pool.leave(held.id, { signaled: false })
      for (let turns = i % 12; turns > 0; turns--) await new Promise(setImmediate)
      ended.abort()
      await leaving
      const got = await waiting
      if (got) await pool.leave(got.id, { signaled: false })
    }
    await waitFor(async () => (await pool.status()).free === 1)
    expect(await pool.status()).toMatchObject({ members: [], waiters: [] })
  })

  test('waits until it is let in, gives up, or the pool is closed', async () => {
    const n = named()
    const pool = await n.connect('ci', { slots: 1 })
    const other = await n.connect('ci')
    const held = await pool.join(asked())
    const reason = new Error('enough')
    expect(await failure(pool.join(asked(), { signal: AbortSignal.abort(reason) }))).toBe(reason)
    expect(await failure(pool.join(asked(), { signal: AbortSignal.timeout(50) }))).toMatchObject({
      name: 'TimeoutError',
    })
    const waiting = failure(other.join(asked()))
    await waitFor(async () => (await pool.status()).waiters.length === 1)
    await other.close()
    expect(await waiting).toMatchObject({ code: 'ERR_JOBSLOT_CLOSED' })
    await waitFor(async () => (await pool.status()).waiters.length === 0)
    await pool.leave(held.id, { signaled: false })
    expect(await failure(pool.join(asked({ min: 2, max: 2 })))).toMatchObject({ code: 'ERR_JOBSLOT_TOO_MANY' })
  })
})

describe('a pool that is closed', () => {
  test.for([0, 1, 3, 10])('%i ms after it was asked to start a command loses no slot', async (pause) => {
    named()
    const pool = await openPool('ci', { slots: 1 })
    const started = pool.spawn('sleep', ['0.05']).then(
      ({ exited }) => exited,
      ({ code }) => code,
    )
    if (pause > 0) await sleep(pause)
    await pool.close()
    expect(['ERR_JOBSLOT_CLOSED', { code: 0, signal: null }]).toContainEqual(await started)
    const again = await openPool('ci')
    const member = await again.spawn('true', [], { timeout: 5000 })
    expect(await member.exited).toEqual({ code: 0, signal: null })
    await again.close()
  })

  test('tells those who wait, and how its commands end', async () => {
    named()
    const pool = await openPool('ci', { slots: 1 })
    const member = await pool.spawn('sleep', ['0.3'])
    const waiting = failure(pool.spawn('true'))
    await waitFor(async () => (await pool.status()).waiters.length === 1)
    await pool.close()
    expect((await waiting).code).toBe('ERR_JOBSLOT_CLOSED')
    expect(await member.exited).toEqual({ code: 0, signal: null })
  })
})

test('a pool whose folder somebody removes while it runs goes on, and lets others in', async () => {
  const { connect, dir } = named()
  const broker = await connect('ci')
  const first = await broker.join(asked({ draws: true }))
  rmSync(join(dir, 'pools', 'ci'), { recursive: true })
  const second = await broker.join(asked({ draws: true, kind: 'process', min: 0, max: 0 }))
  expect(existsSync(second.fifo ?? '')).toBe(true)
  await broker.leave(first.id, { signaled: false })
  await broker.leave(second.id, { signaled: false })
  expect(await broker.status()).toMatchObject({ members: [], waiters: [] })
})
