import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { JobStore } from '../../src/store/job-store.ts'
import { built } from '../client/program.ts'
import { scrubbed, waitFor } from '../support/processes.ts'
import { testStore } from './folder.ts'

type Role = 'create' | 'work' | 'hold'

/** A process with the store open; what it said, as lists of words. */
function party(store: JobStore, role: Role, { durability = 'disk', lease = 30_000 } = {}) {
  const argv = [join(import.meta.dirname, 'party.mjs'), built('store.js'), store.dir, role, durability, String(lease)]
  const child = spawn(process.execPath, argv, { stdio: ['pipe', 'pipe', 'inherit'], env: scrubbed(process.env) })
  const said: string[][] = []
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop()!
    for (const line of lines) said.push(line.split(' '))
  })
  child.stdin.on('error', () => {})
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const has = (word: string) => said.some(([first]) => first === word)
  return { child, said, has, ready: () => waitFor(() => has('ready'), 20_000, `${role} is ready`) }
}

const ended = (child: ChildProcess) =>
  new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once('close', () => resolve())
  })

describe('a worker that is killed', () => {
  test('has its job handed out again at once, with nobody polling', async () => {
    const store = await testStore()
    const times: number[] = []
    for (let round = 0; round < 5; round++) {
      const { id } = await store.create({ round })
      const worker = party(store, 'hold')
      await waitFor(() => worker.has('holds'), 20_000)
      const next = store.pullJob({ wait: true, signal: AbortSignal.timeout(10_000) })
      await sleep(60)
      const begin = performance.now()
      worker.child.kill('SIGKILL')
      const job = await next
      times.push(performance.now() - begin)
      expect(job).toMatchObject({ id, attempt: 2 })
      expect(await store.get(id)).toMatchObject({ lost: 1 })
      await job.fulfill()
    }
    times.sort((a, b) => a - b)
    expect(times[2]).toBeLessThan(100)
    expect(readdirSync(store.dir).filter((name) => name.startsWith('worker-')).length).toBe(1)
  })

  test('has its job handed out by a plain pull too', async () => {
    const store = await testStore()
    const { id } = await store.create('x')
    const worker = party(store, 'hold')
    await waitFor(() => worker.has('holds'), 20_000)
    expect(await store.pullJob()).toBeUndefined()
    worker.child.kill('SIGKILL')
    await ended(worker.child)
    await sleep(60)
    await store.pullJob()
    expect(await store.get(id)).toMatchObject({ lost: 1 })
  })
})

test('a worker that is stopped past its lease loses its claim, and its result is refused', async () => {
  const store = await testStore({ lease: 300 })
  const { id } = await store.create('x')
  const worker = party(store, 'hold', { lease: 300 })
  await waitFor(() => worker.has('holds'), 20_000)
  const next = store.pullJob({ wait: true, signal: AbortSignal.timeout(10_000) })
  await sleep(1000)
  // It shows that it lives.
  expect(await store.get(id)).toMatchObject({ state: 'active', pid: worker.child.pid })
  worker.child.kill('SIGSTOP')
  const job = await next
  expect(job).toMatchObject({ id, attempt: 2 })
  worker.child.kill('SIGCONT')
  await waitFor(() => worker.has('lost'), 5000)
  expect(worker.said.find(([word]) => word === 'lost')).toEqual(['lost', 'ERR_JOBSLOT_CLAIM_LOST'])
  worker.child.stdin.write('go on\n')
  await waitFor(() => worker.has('refused'), 5000)
  expect(worker.said.find(([word]) => word === 'refused')).toEqual(['refused', 'ERR_JOBSLOT_CLAIM_LOST'])
  await job.fulfill('mine')
  expect((await store.get(id))!.value!.toString()).toBe('mine')
})

describe('a storm', () => {
  // One of them is as long as what is promised; a longer one shows what comes once an hour.
  const longest = Number(process.env.JOBSLOT_STORM_SECONDS ?? 60)
  const storms = [
    { durability: 'disk', seconds: longest },
    { durability: 'os', seconds: Number(process.env.JOBSLOT_STORM_SECONDS ?? 15) },
  ] as const

  test.each(storms)(
    'of kills loses no job and finishes none twice ($durability)',
    async ({ durability, seconds }) => {
      const store = await testStore({ durability })
      const creators = Array.from({ length: 4 }, () => party(store, 'create', { durability }))
      const all = Array.from({ length: 8 }, () => party(store, 'work', { durability }))
      await Promise.all([...creators, ...all].map(({ ready }) => ready()))
      let workers = [...all]
      const events: { type: string; id?: number }[] = []
      const stop = new AbortController()
      const following = (async () => {
        try {
          for await (const event of store.events({ from: 0, signal: stop.signal })) events.push(event)
        } catch {
          // Told to stop, or left behind by a compaction: then the last count is all there is.
        }
      })()
      let kills = 0
      for (const end = performance.now() + seconds * 1000; performance.now() < end; ) {
        await sleep(20)
        // One that is still starting has nothing to lose.
        const victims = workers.filter(({ has }) => has('ready'))
        const victim = victims[Math.floor(Math.random() * victims.length)]
        if (!victim) continue
        victim.child.kill('SIGKILL')
        kills++
        const next = party(store, 'work', { durability })
        workers = workers.map((worker) => (worker === victim ? next : worker))
        all.push(next)
      }
      for (const { child } of creators) child.stdin.end()
      await Promise.all(creators.map(({ child }) => ended(child)))
      await waitFor(
        async () => {
          const { pending, active, delayed } = await store.stats()
          return pending + active + delayed === 0
        },
        60_000,
        'all jobs are finished',
      )
      for (const { child } of workers) child.stdin.end()
      await Promise.all(workers.map(({ child }) => ended(child)))
      const created = creators.flatMap(({ said }) =>
        said.filter(([word]) => word === 'created').map(([, id]) => Number(id)),
      )
      // Starting them takes most of the time.
      expect(kills).toBeGreaterThan(10)
      expect(created.length).toBeGreaterThan(5 * seconds)
      for (const id of created) expect(await store.get(id)).toMatchObject({ state: 'fulfilled' })
      expect(await store.verify()).toMatchObject({ ok: true })
      await sleep(100)
      stop.abort()
      await following
      const finished = events.filter(({ type }) => type === 'fulfill').map(({ id }) => id)
      expect(finished.length).toBeGreaterThan(0)
      expect(new Set(finished).size).toBe(finished.length)
      const said = all.flatMap(({ said }) => said)
      // What a killed one had, another has run once more.
      expect(said.filter(([word]) => word === 'fulfilled').length).toBeLessThanOrEqual(finished.length)
      const errors = said.filter(([word]) => word === 'error').map(([, code]) => code)
      expect(errors.filter((code) => code !== 'ERR_JOBSLOT_CLAIM_LOST')).toEqual([])
    },
    240_000,
  )
})

test('processes agree on the order of events', async () => {
  const store = await testStore({ durability: 'os' })
  const others = [1, 2, 3].map(() => party(store, 'create', { durability: 'os' }))
  await Promise.all(others.map(({ ready }) => ready()))
  const read = async () => {
    const seen: string[] = []
    for await (const event of store.events({ from: 0 })) {
      seen.push(JSON.stringify(event))
      if (seen.length === 200) return seen
    }
    return seen
  }
  const [one, two] = await Promise.all([read(), read()])
  expect(one).toEqual(two)
  for (const { child } of others) child.stdin.end()
  await Promise.all(others.map(({ child }) => ended(child)))
  const said = others.flatMap(({ said }) => said.filter(([word]) => word === 'created').map(([, id]) => Number(id)))
  expect(new Set(said).size).toBe(said.length)
  expect((await store.stats()).pending).toBe(said.length)
})

test('processes that are stopped at random do not stop the others', async () => {
  const stops = Number(process.env.JOBSLOT_STOPS ?? 200)
  const store = await testStore({ durability: 'os' })
  const workers = Array.from({ length: 8 }, () => party(store, 'work', { durability: 'os' }))
  await Promise.all(workers.map(({ ready }) => ready()))
  let stopped = 0
  let isOver = false
  const refusals: string[] = []
  let created = 0
  let longest = 0
  const creating = (async () => {
    while (!isOver) {
      const begin = performance.now()
      const made = await store.createMany([1, 2, 3, 4]).catch((error: { code: string; message: string }) => {
        // The rare stop in the midst of an append: it is told which process to continue.
        refusals.push(`${error.code} ${error.message}`)
        return []
      })
      created += made.length
      longest = Math.max(longest, performance.now() - begin)
      await sleep(1)
    }
  })()
  await Promise.all(
    workers.map(async ({ child }) => {
      while (stopped < stops) {
        await sleep(20 + Math.random() * 100)
        stopped++
        child.kill('SIGSTOP')
        await sleep(1000)
        child.kill('SIGCONT')
      }
    }),
  )
  isOver = true
  await creating
  const pids = workers.map(({ child }) => String(child.pid))
  for (const refusal of refusals) {
    expect(refusal).toMatch(/^ERR_JOBSLOT_STORE_BUSY /)
    expect(pids.some((pid) => refusal.includes(pid))).toBe(true)
  }
  // A second of an eight-fold stop has room for three.
  expect(refusals.length).toBeLessThan(stopped / 4)
  expect(longest).toBeLessThan(10_000)
  await waitFor(async () => (await store.stats()).fulfilled === created, 60_000, 'all jobs are fulfilled')
  for (const { child } of workers) child.stdin.end()
  await Promise.all(workers.map(({ child }) => ended(child)))
  expect(await store.verify()).toMatchObject({ ok: true })
}, 240_000)
