import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { BrokerClient } from '../../src/broker/broker-client.ts'
import { openPool } from '../../src/broker/open-pool.ts'
import { sweepPools } from '../../src/broker/sweep.ts'
import type { Joined } from '../../src/pool/host.ts'
import { makeJobs, ninjaJobs, times } from '../pool/builds.ts'
import { run, tempDir, waitFor } from '../support/processes.ts'
import { peak, readSpans } from '../support/spans.ts'
import { requireTool } from '../support/tools.ts'
import { asked, named, speakTo } from './named.ts'

/** Kills the broker, and waits until this client has another. */
async function killBroker(pool: BrokerClient): Promise<number> {
  const before = pool.brokerPid as number
  const from = performance.now()
  process.kill(before, 'SIGKILL')
  await waitFor(() => pool.brokerPid !== null && pool.brokerPid !== before)
  return performance.now() - from
}

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] as number

describe('a broker that is killed', () => {
  test('ten times in mid-build: builds go on, and never more run at once than may', {
    retry: 0,
    timeout: 120_000,
  }, async (ctx) => {
    const make43 = requireTool('make43', ctx)
    const make44 = requireTool('make44', ctx)
    const ninja = requireTool('ninja113', ctx)
    const n = named()
    const spans = join(tempDir(), 'spans')
    const watcher = await n.connect('ci', { slots: 4 })
    // Which has a member, and so comes back at once.
    const { id } = await watcher.join(asked({ min: 0, max: 0, kind: 'process', draws: false }))
    const pool = await openPool('ci', { slots: 4 })
    const jobs = times(100, 50)
    const members = await Promise.all([
      pool.spawn(make43, ['-sk'], { cwd: makeJobs(spans, 'make43', jobs), style: 'pipe' }),
      pool.spawn(make44, ['-sk'], { cwd: makeJobs(spans, 'make44', jobs), style: 'fifo' }),
      pool.spawn(ninja, ['--quiet'], { cwd: ninjaJobs(spans, 'ninja', jobs), style: 'fifo', stdio: 'ignore' }),
    ])
    const gaps: number[] = []
    const starts: number[] = []
    for (let kills = 1; kills <= 10; kills++) {
      await sleep(150 + Math.random() * 150)
      gaps.push(await killBroker(watcher))
      const from = performance.now()
      await run([process.execPath, '-e', '0'], { env: { NODE_EXTRA_CA_CERTS: undefined } })
      starts.push(performance.now() - from)
      const status = await watcher.status()
      const counted = status.members.reduce((sum, { base, granted }) => sum + base + granted, 0)
      expect(counted).toBeLessThanOrEqual(4)
      expect(n.brokers()).toEqual([watcher.brokerPid])
    }
    expect(await Promise.all(members.map(({ exited }) => exited))).toEqual(
      members.map(() => ({ code: 0, signal: null })),
    )
    const recorded = readSpans(spans)
    expect(recorded).toHaveLength(300)
    expect(peak(recorded)).toBeLessThanOrEqual(4)
    // 200 ms on a quiet machine, where a Node starts in 60.
    expect(median(gaps)).toBeLessThan(50 + 3.5 * median(starts))
    await pool.close()
    await waitFor(async () => (await watcher.status()).free === 4, 2000)
    expect(await watcher.status()).toMatchObject({ overReturned: 0, waiters: [] })
    await watcher.leave(id, { signaled: false })
    await watcher.close()
    await waitFor(() => n.brokers().length === 0)
    expect(n.left()).toEqual([])
  })

  test('leaves those who wait their place in line', async () => {
    const n = named()
    const first = await n.connect('ci', { slots: 1 })
    const held = await first.join(asked())
    const order: string[] = []
    const wait = async (name: string) => {
      const pool = await n.connect('ci')
      const joined = await pool.join(asked({ label: name }))
      order.push(name)
      await pool.leave(joined.id, { signaled: false })
    }
    const all: Promise<void>[] = []
    for (const name of ['a', 'b', 'c', 'd']) {
      all.push(wait(name))
      await waitFor(async () => (await first.status()).waiters.length === all.length)
      // `since` counts in milliseconds.
      await sleep(2)
    }
    await killBroker(first)
    await waitFor(async () => (await first.status()).waiters.length === 4)
    expect(await first.status()).toMatchObject({ free: 0, members: [{ id: held.id, base: 1 }] })
    await first.leave(held.id, { signaled: false })
    await Promise.all(all)
    expect(order).toEqual(['a', 'b', 'c', 'd'])
  })

  test('at any moment of joining and leaving takes no slot with it', { timeout: 120_000, retry: 0 }, async () => {
    const n = named()
    const watcher = await n.connect('ci', { slots: 3 })
    await watcher.join(asked({ min: 0, max: 0, kind: 'process' }))
    let ended = false
    let rounds = 0
    const work = async () => {
      const pool = await n.connect('ci')
      while (!ended) {
        const { id } = await pool.join(asked({ min: 1, max: 2 }))
        await pool.leave(id, { signaled: false })
        rounds++
      }
    }
    const workers = [work(), work(), work(), work()]
    for (let kills = 0; kills < 10; kills++) {
      await sleep(Math.random() * 100)
      await killBroker(watcher)
    }
    ended = true
    await Promise.all(workers)
    expect(rounds).toBeGreaterThan(20)
    // What a broker wrote down and could not say any more is found by who asked for it.
    await waitFor(async () => (await watcher.status()).free === 3, 3000)
    expect((await watcher.status()).members).toHaveLength(1)
  })

  test('with an answer on its lips: who asks again has what it was given, who does not loses it', async () => {
    const n = named()
    const watcher = await n.connect('ci', { slots: 5 })
    await watcher.join(asked({ label: 'watcher' }))
    const hello = { protocol: 1, pid: process.pid, slots: null }
    const request = { ...asked({ label: 'unheard' }), key: 1 }
    const before = await speakTo()
    await before.call('hello', hello)
    const given = await before.call<Joined>('join', request)
    const forgotten = await before.call<Joined>('join', { ...request, label: 'forgotten' })
    await killBroker(watcher)

    const after = await speakTo()
    await after.call('hello', hello)
    expect((await watcher.status()).members.map(({ label }) => label)).toEqual(['watcher', 'unheard', 'forgotten'])
    expect((await after.call<Joined>('join', request)).id).toBe(given.id)
    expect((await after.call<Joined>('join', request)).id).not.toBe(given.id)
    expect(await watcher.status()).toMatchObject({ free: 1 })
    await waitFor(async () => (await watcher.status()).free === 2, 8000)
    expect((await watcher.status()).members.map(({ id }) => id)).not.toContain(forgotten.id)
    // Another's is not to be had by asking.
    expect(await after.call('rejoin', { id: 4711 })).toBe(null)
    await after.close()
  })

  test('leaves nobody hungry: who waited for a token has it as soon as there is one', async () => {
    const n = named()
    const holder = await n.connect('ci', { slots: 1 })
    const held = await holder.join(asked())
    const pool = await openPool('ci')
    const slot = pool.acquire()
    // They want nothing, and might get it.
    const idle = [await openPool('ci'), await openPool('ci')]
    expect((await pool.status()).members).toHaveLength(4)
    await sleep(50)
    await killBroker(holder)
    // Both have come back.
    for (const one of [...idle, pool]) await one.status()
    await holder.leave(held.id, { signaled: false })
    ;(await slot).release()
    for (const one of [...idle, pool]) await one.close()
  })

  test('with the processes that it served: what they run keeps its slots, in the next broker too', async () => {
    const n = named()
    const other = n.program(`
      const pool = await openPool('ci', { slots: 4 })
      const one = await pool.spawn('sleep', ['30'])
      const slot = await pool.acquire()
      say({ broker: (await pool.status()).members.length, command: one.pid })
      await sleep(60_000)`)
    const { command } = (await other.says()) as { command: number }
    const [broker] = n.brokers() as [number]
    process.kill(broker, 'SIGKILL')
    process.kill(other.pid, 'SIGKILL')
    await other.result
    const pool = await n.connect('ci')
    // Its own tokens went with it.
    await waitFor(async () => (await pool.status()).members.length === 1)
    const status = await pool.status()
    expect(status.members).toMatchObject([{ kind: 'run', base: 1, pid: command }])
    // The tokens that lay ready for the command were in its FIFO, which it has open.
    expect(status.free).toBeGreaterThanOrEqual(2)
    process.kill(command, 'SIGKILL')
    await waitFor(async () => (await pool.status()).free === 4)
  })

  test('together with all else leaves nothing behind the next command', async () => {
    const n = named()
    const other = n.program(`
      const pool = await openPool('ci', { slots: 4 })
      const one = await pool.spawn('sleep', ['31.7'])
      say(one.pid)
      await sleep(60_000)`)
    const command = (await other.says()) as number
    for (const pid of [...n.brokers(), other.pid]) process.kill(pid, 'SIGKILL')
    await other.result
    sweepPools()
    // As long as the command lives its FIFO is needed.
    expect(existsSync(join(n.dir, 'pools/ci/ledger'))).toBe(true)
    process.kill(command, 'SIGKILL')
    await waitFor(() => !existsSync(`/proc/${command}`))
    sweepPools()
    expect(n.left()).toEqual([])
    expect(readdirSync(join(n.dir, 'workers'))).toEqual([])
    expect(readdirSync(join(n.dir, 'pools'))).toEqual(['ci.json'])
  })

  test('is followed by one only, however many have members', { timeout: 60_000 }, async () => {
    const n = named()
    const pools = await Promise.all(Array.from({ length: 20 }, () => n.connect('ci', { slots: 20 })))
    await Promise.all(pools.map((pool) => pool.join(asked())))
    for (let kills = 0; kills < 3; kills++) {
      const before = (pools[0] as BrokerClient).brokerPid as number
      process.kill(before, 'SIGKILL')
      await waitFor(() => pools.every(({ brokerPid }) => brokerPid !== null && brokerPid !== before))
      expect(new Set(pools.map(({ brokerPid }) => brokerPid)).size).toBe(1)
      expect(await pools[0]?.status()).toMatchObject({ free: 0 })
    }
  })

  test('keeps nobody alive, and is not started for who has nothing of it', async () => {
    const n = named()
    const idle = n.program(`
      const pool = await BrokerClient.connect('ci', { slots: 2 })
      say(pool.brokerPid)
      await sleep(1500)
      say(pool.brokerPid)`)
    process.kill((await idle.says()) as number, 'SIGKILL')
    expect(await idle.says(2)).toBe(null)
    expect(n.brokers()).toEqual([])
    const member = n.program(`
      const pool = await BrokerClient.connect('ci', { slots: 2 })
      await pool.join(asked())
      process.kill(pool.brokerPid, 'SIGKILL')`)
    const from = performance.now()
    expect((await member.result).code).toBe(0)
    expect(performance.now() - from).toBeLessThan(3000)
  })
})
