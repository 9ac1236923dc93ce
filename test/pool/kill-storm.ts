import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Named, named, processesWhere } from '../broker/named.ts'
import { cli } from '../support/cli.ts'
import { compiled } from '../support/compile.ts'
import { childrenOf, type Running, run, start } from '../support/processes.ts'
import { peakOf, runningAt, type Span } from '../support/spans.ts'
import type { Storm } from '../torture/storm.ts'
import { now } from './builds.ts'
import { type Kind, memberKinds, type Tools } from './storm-members.ts'

const SLOTS = 6
const MEMBERS = 7
const POOL = 'storm'
/** The share of kills that hit a broker. */
const BROKERS = 0.05

/** When each was killed, by its process number, and what it was. */
type Killed = Map<number, { at: bigint; what: string }>

/**
 * A pool whose members, of all kinds, what runs in them and its brokers are killed while new ones join. Afterwards all
 * slots are there, nothing else is, and at no time more ran than there were slots.
 */
export async function killStorm(storm: Storm, tools: Tools): Promise<void> {
  const n = named()
  const env = { ...n.env, NODE_EXTRA_CA_CERTS: undefined }
  const jobslot = (...words: string[]) => run([...cli, ...words], { env })
  const { code, stderr } = await jobslot('resize', '--pool', POOL, String(SLOTS))
  storm.check(code === 0, `the pool cannot be made: ${stderr}`)
  const { kinds, recorded, spans } = memberKinds(storm, { pool: POOL, env, tools })

  const alive = new Map<Running, Kind>()
  const killed: Killed = new Map()
  const kill = (pid: number, of: string) => {
    const before = killed.get(pid)
    killed.set(pid, before ?? { at: now(), what: `${nameOf(pid)} of ${of}` })
    try {
      process.kill(pid, 'SIGKILL')
      storm.kills++
    } catch {
      // It ended by itself before.
      if (before === undefined) killed.delete(pid)
    }
  }
  const fill = () => {
    while (alive.size < MEMBERS && !storm.isOver) {
      const kind = storm.pick(kinds)
      const running = kind.start()
      alive.set(running, kind)
      running.result.catch(() => {}).finally(() => alive.delete(running))
    }
  }
  fill()
  await storm.soon(() => recorded().length > 0, 60_000, 'no job runs')
  storm.begin()
  const audits = audit(storm, n)
  while (!storm.isOver) {
    fill()
    await storm.pause(40 + storm.below(160))
    if (storm.chance(BROKERS)) {
      for (const broker of n.brokers()) {
        kill(broker, 'the pool')
        storm.note('brokers killed')
      }
      continue
    }
    const [victim, kind] = storm.pick([...alive]) ?? []
    if (!victim) continue
    const target = storm.pick(targets(victim.pid, kind))
    if (target !== undefined) kill(target, `${kind?.name} ${victim.pid}`)
  }
  if (storm.isCanary) await outsiders(spans)
  await storm.soon(
    () => alive.size === 0,
    40_000,
    () => `${alive.size} members do not end`,
  )
  await storm.soon(
    () => marked().length === 0,
    10_000,
    () => `processes of members live on: ${marked()}`,
  )
  await audits

  const status = async () => JSON.parse((await jobslot('status', '--pool', POOL, '--json')).stdout)
  await storm.soon(async () => (await status()).free === SLOTS, 5000, 'slots are missing')
  const { slots, members, waiters, overReturned } = await status()
  const isWhole = slots === SLOTS && members.length === 0 && waiters.length === 0 && overReturned === 0
  storm.check(isWhole, () => `the pool is left with ${JSON.stringify({ slots, members, waiters, overReturned })}`)
  checkSpans(storm, recorded(), killed)

  await storm.soon(() => n.brokers().length === 0, 5000, 'a broker lives on')
  // What a killed one has left is removed by the next.
  await jobslot('status')
  await storm.soon(() => n.brokers().length === 0, 5000, 'a broker lives on')
  storm.check(n.left().length === 0, () => `files are left: ${n.left()}`)
}

/** The member's own process, or one below it: jobslot, make, a job. */
function targets(pid: number, kind: Kind | undefined): number[] {
  const chain = [pid]
  for (let [next] = childrenOf(pid); next !== undefined; [next] = childrenOf(next)) chain.push(next)
  if (!kind?.hasMiddle) return chain
  return chain.filter((link, i) => i < 2 || nameOf(link) === 'job')
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return '' // It ended meanwhile.
  }
}

/** Again and again during the storm: the account never grants more than there is, whoever has just been killed. */
async function audit(storm: Storm, n: Named): Promise<void> {
  while (!storm.isOver) {
    try {
      const pool = await n.connect(POOL)
      const { members, slots } = await pool.status()
      await pool.close()
      const granted = members.reduce((sum, { base, granted }) => sum + base + granted, 0)
      storm.check(granted <= slots, () => `${granted} of ${slots} slots are granted: ${JSON.stringify(members)}`)
      storm.note('looks at the account')
    } catch {
      // Its broker was killed while it answered.
    }
    await sleep(500)
  }
}

function checkSpans(storm: Storm, recorded: Span[], killed: Killed): void {
  const spans = recorded.map((span): Span => ({ ...span, end: span.end ?? endOf(span, killed) }))
  const unended = spans.filter(({ end }) => end === null)
  storm.check(
    unended.length === 0,
    () => `jobs without an end: ${unended.map(({ label, pid }) => `${label} (${pid})`)}`,
  )
  const { most, at } = peakOf(spans)
  storm.check(most <= SLOTS, () => `${most} jobs ran at once, and there are ${SLOTS} slots: ${told(spans, at, killed)}`)
  storm.operations += spans.length
}

/** Which jobs ran at a moment, and what was killed in the second before. */
function told(spans: Span[], at: bigint, killed: Killed): string {
  const ms = (time: bigint) => Number(time - at) / 1e6
  const jobs = runningAt(spans, at).map(({ label, pid, begin, end }) => `${label} ${pid} ${ms(begin)}..${ms(end!)}`)
  const recent = [...killed].filter(([, kill]) => kill.at < at && ms(kill.at) > -1000)
  const kills = recent.map(([pid, kill]) => `${pid} ${kill.what} ${ms(kill.at)}`)
  return `${jobs.join(', ')}; killed: ${kills.join(', ')}`
}

/** A process number may come again. */
function endOf({ pid, begin }: Span, killed: Killed): bigint | null {
  const at = killed.get(pid)?.at
  return at !== undefined && at >= begin ? at : null
}

/** What a pool that loses count would do: more jobs at once than it has slots. */
async function outsiders(spans: string): Promise<void> {
  const jobs = Array.from({ length: SLOTS + 1 }, () => start([compiled('job'), spans, '3000', 'outside']))
  await Promise.all(jobs.map(({ result }) => result))
}

/** Processes that carry a mark of this pool. */
function marked(): number[] {
  return processesWhere((pid) => readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${POOL}/`))
}
