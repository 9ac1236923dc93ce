import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { named, processesWhere } from '../broker/named.ts'
import { cli, libraryFile } from '../support/cli.ts'
import { compiled } from '../support/compile.ts'
import { childrenOf, type Running, run, start, tempDir, waitFor } from '../support/processes.ts'
import { peak, readSpans, type Span } from '../support/spans.ts'
import { requireTool } from '../support/tools.ts'
import { makeJobs, ninjaJobs, now, times } from './builds.ts'

/** Members of all kinds, and what runs in them, killed at random while new ones join. */

const STORM_MS = Number(process.env.JOBSLOT_STORM_MS ?? 60_000)
const SLOTS = 6
const MEMBERS = 7
const POOL = 'storm'

/** A program that takes slots of the pool in its own process, for as many jobs. */
const program = (spans: string) => `import(${JSON.stringify(libraryFile)}).then(async ({ openPool }) => {
  const { spawn } = require('node:child_process')
  const pool = await openPool('${POOL}')
  const job = () => new Promise((done) => spawn(${JSON.stringify(compiled('job'))}, [${JSON.stringify(spans)}, '60', 'own']).on('exit', done))
  await pool.limit.map(Array.from({ length: 12 }), job)
  await pool.close()
})`

test('nothing that dies takes a slot with it', { timeout: STORM_MS + 60_000, retry: 0 }, async (ctx) => {
  const make43 = requireTool('make43', ctx)
  const make44 = requireTool('make44', ctx)
  const ninja = requireTool('ninja113', ctx)
  const n = named()
  const spans = join(tempDir(), 'spans')
  const env = { ...n.env, NODE_EXTRA_CA_CERTS: undefined }
  const jobslot = (...words: string[]) => run([...cli, ...words], { env })
  expect(await jobslot('resize', '--pool', POOL, String(SLOTS))).toMatchObject({ code: 0 })

  const job = `${compiled('job')} ${spans} 80`
  const folders = {
    make: makeJobs(spans, 'make', times(30, 60)),
    ninja: ninjaJobs(spans, 'ninja', times(30, 60)),
  }
  const run_ = [...cli, 'run', '--pool', POOL]
  const acquire = [...cli, 'acquire', '--pool', POOL]
  const kinds: (() => Running)[] = [
    () => start([...run_, '--style', 'pipe', '--', make43, '-sk'], { env, cwd: folders.make }),
    () => start([...run_, '--style', 'fifo', '--', make44, '-sk'], { env, cwd: folders.make }),
    () => start([...run_, '--style', 'fifo', '--', ninja, '-k0'], { env, cwd: folders.ninja }),
    () => start([...acquire, '--', compiled('job'), spans, '120', 'one'], { env }),
    () => start([...acquire, '-c', '2', '--', 'sh', '-c', `${job} a & ${job} b & wait`], { env }),
    () => start([...run_, '--', ...cli, 'run', '-j3', '--', make44, '-sk'], { env, cwd: folders.make }),
    () => start([process.execPath, '-e', program(spans)], { env }),
  ]

  const alive = new Set<Running>()
  const killed = new Map<number, bigint>()
  const join_ = () => {
    const running = kinds[Math.floor(Math.random() * kinds.length)]!()
    alive.add(running)
    running.result.catch(() => {}).finally(() => alive.delete(running))
  }
  const kill = (pid: number) => {
    killed.set(pid, killed.get(pid) ?? now())
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      killed.delete(pid) // It ended by itself before.
    }
  }
  const end = performance.now() + STORM_MS
  let kills = 0
  while (performance.now() < end) {
    while (alive.size < MEMBERS) join_()
    await sleep(40 + Math.random() * 160)
    const victims = [...alive]
    const victim = victims[Math.floor(Math.random() * victims.length)]
    if (!victim) continue
    // The member's own process, or one below it: jobslot, make, a job.
    const chain = [victim.pid]
    for (let [next] = childrenOf(victim.pid); next !== undefined; [next] = childrenOf(next)) chain.push(next)
    const target = chain[Math.floor(Math.random() * chain.length)]
    if (target === undefined) continue
    kill(target)
    kills++
  }
  await waitFor(() => alive.size === 0, 40_000)
  await waitFor(() => marked().length === 0, 10_000)

  const statusNow = async () => {
    const { stdout } = await jobslot('status', '--pool', POOL, '--json')
    return JSON.parse(stdout) as {
      free: number
      slots: number
      members: unknown[]
      waiters: unknown[]
      overReturned: number
    }
  }
  await waitFor(async () => (await statusNow()).free === SLOTS, 5000, 'all slots are free')
  expect(await statusNow()).toMatchObject({ slots: SLOTS, members: [], waiters: [], overReturned: 0 })
  const recorded = readSpans(spans).map((span): Span => ({ ...span, end: span.end ?? killed.get(span.pid) ?? null }))
  expect(recorded.filter((span) => span.end === null)).toEqual([])
  expect(peak(recorded)).toBeLessThanOrEqual(SLOTS)
  expect(recorded.length).toBeGreaterThan(STORM_MS / 60)
  expect(kills).toBeGreaterThan(STORM_MS / 400)

  await waitFor(() => n.brokers().length === 0, 5000, 'the broker has ended')
  await jobslot('status')
  await waitFor(() => n.brokers().length === 0, 5000)
  expect(n.left()).toEqual([])
})

/** Processes that carry a mark of this pool. */
function marked(): number[] {
  return processesWhere((pid) => readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${POOL}/`))
}
