// Compiled, and never run: what the types of `jobslot` promise, and what they refuse. Compiled a second time against the
// package, as its users have it: test/package/types.mjs.
import { spawn } from 'node:child_process'
import {
  type Audit,
  type Client,
  connect,
  createPool,
  type ErrorCode,
  type JobserverAuth,
  JobslotError,
  type Limit,
  type Member,
  type MemberExit,
  openPool,
  type Pool,
  type PoolStatus,
  parseMakeflags,
  type Slot,
} from 'jobslot'
import { exact } from './exact.ts'

export function connecting(env: Record<string, string | undefined>, perhaps: number | undefined) {
  exact<Client | null>()(connect())
  exact<Client | null>()(connect({ strict: true, env, releaseOnSignal: true }))
  exact<Client | null>()(connect({ fallback: perhaps }))
  exact<Client>()(connect({ fallback: 4 }))
  exact<Client>()(connect({ fallback: 4, env: process.env }))
  // @ts-expect-error: a number of slots
  connect({ fallback: '4' })
  // @ts-expect-error: no such option
  connect({ fallbacks: 4 })
  // @ts-expect-error: there may be no limit
  connect().acquire()
}

export async function slots(client: Client, signal: AbortSignal | undefined, timeout: number | undefined) {
  exact<Slot>()(await client.acquire())
  exact<Slot>()(await client.acquire({ signal, timeout }))
  exact<Slot>()(client.acquireSync({ timeout }))
  exact<Slot | null>()(client.tryAcquire())
  exact<number>()(client.available)
  exact<number | null>()(client.jobs)
  exact<JobserverAuth | null>()(client.auth)
  exact<JobslotError | null>()(client.problem)
  exact<string>()(await client.run(() => 'value'))
  exact<number>()(await client.run(async (slot) => Number(slot.implicit), { timeout: 5 }))
  exact<void>()((await client.acquire()).release())
  // @ts-expect-error: a thread that is blocked sees no signal
  client.acquireSync({ signal })
  // @ts-expect-error: milliseconds
  await client.acquire({ timeout: '5s' })
  // @ts-expect-error: only `connect` makes one
  client.jobs = 3
}

export async function limit(limit: Limit) {
  exact<number>()(await limit((a: number, b: string) => a + b.length, 1, 'b'))
  exact<string>()(await limit(async () => 'value'))
  exact<string[]>()(await limit.map([1, 2], (item, index) => String(item + index)))
  exact<number[]>()(await limit.map(new Set(['a']), async (item) => item.length))
  exact<void>()(limit.clearQueue())
  exact<number>()(limit.activeCount + limit.pendingCount)
  // @ts-expect-error: an argument of another type
  await limit((a: number) => a, 'a')
  // @ts-expect-error: an argument too few
  await limit((a: number) => a)
}

export function children(client: Client) {
  spawn('make', client.childOptions())
  const options = client.childOptions({ stdio: 'inherit', cwd: '/' } as const)
  exact<'/'>()(options.cwd)
  spawn('make', ['-j'], options)
  // @ts-expect-error: not options of `spawn`
  client.childOptions({ stdio: 'loud' })
}

export async function pools(signal: AbortSignal) {
  const pool = await createPool({ slots: 4, maxLoad: 8, minMemory: 1e9, maxPressure: { io: 20 }, label: 'mine' })
  exact<Pool>()(pool)
  exact<Pool>()(await createPool())
  exact<Pool>()(await openPool())
  exact<Pool>()(await openPool('ci', { slots: 8, max: 4, priority: 1, weight: 2 }))
  exact<string | null>()(pool.name)
  const member = await pool.spawn('make', ['all'], { stdio: 'inherit', cwd: '/', style: 'fifo', timeout: 10, signal })
  exact<Member>()(member)
  exact<MemberExit>()(await member.exited)
  exact<boolean>()(member.kill('SIGINT'))
  exact<PoolStatus>()(await pool.status())
  exact<Slot>()(await pool.acquire({ signal }))
  exact<string>()(await pool.run(() => 'value'))
  exact<void>()(await pool.resize(2))
  exact<void>()(await pool.govern({}))
  exact<Audit>()(await pool.close())
  pool.on('warning', (error) => exact<Error>()(error))
  const exit = await member.exited
  // One of the two is null, and tells so of the other.
  if (exit.code === null) exact<NodeJS.Signals>()(exit.signal)
  else exact<number>()(exit.code)
  // @ts-expect-error: the size of a pool of all users is not one's own
  await openPool('ci', { maxLoad: 8 })
  // @ts-expect-error: no such style
  await pool.spawn('make', [], { style: 'semaphore' })
  // @ts-expect-error: no such signal
  member.kill('SIGNOTHING')
  // @ts-expect-error: no such event
  pool.on('warnings', () => {})
}

export function errors(error: unknown) {
  if (error instanceof JobslotError) {
    exact<ErrorCode>()(error.code)
    // @ts-expect-error: all codes begin with ERR_JOBSLOT_
    return error.code === 'ENOENT'
  }
  return false
}

export function makeflags(text: string) {
  const { jobserver, problem, dryRun } = parseMakeflags(text)
  exact<string | null>()(problem)
  exact<boolean>()(dryRun)
  if (jobserver?.style === 'fifo') exact<string>()(jobserver.path)
  if (jobserver?.style === 'pipe') exact<number>()(jobserver.read)
  // @ts-expect-error: a pipe has no path
  if (jobserver?.style === 'pipe') jobserver.path
}

export async function disposables(client: Client, pool: Pool) {
  using _client = client
  using _slot = await client.acquire()
  await using _pool = pool
  // @ts-expect-error: leaving a pool takes a while
  using _late = pool
}
