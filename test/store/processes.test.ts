import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { waitFor } from '../support/processes.ts'
import { stormSeed } from '../torture/seed.ts'
import { Storm } from '../torture/storm.ts'
import { testStore } from './folder.ts'
import { jobStorm } from './job-storm.ts'
import { party } from './party.ts'

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
    await worker.ended
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

describe('a storm', { retry: 0 }, () => {
  const storms = [
    { durability: 'disk', ms: 45_000 },
    { durability: 'os', ms: 15_000 },
  ] as const

  test.for(storms)(
    'of kills loses no job and finishes none twice ($durability)',
    { timeout: 240_000 },
    async (given) => {
      const { durability, ms } = given
      const storm = new Storm({ seed: stormSeed('jobs'), ms })
      await jobStorm(storm, durability)
      expect(storm.problems).toEqual([])
      // Starting them takes most of the time.
      expect(storm.kills).toBeGreaterThan(ms / 500)
      expect(storm.operations).toBeGreaterThan(ms / 200)
    },
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
  await Promise.all(others.map(({ ended }) => ended))
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
  await Promise.all(workers.map(({ ended }) => ended))
  expect(await store.verify()).toMatchObject({ ok: true })
}, 240_000)
