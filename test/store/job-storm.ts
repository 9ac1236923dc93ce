import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { JobStore } from '../../src/store/job-store.ts'
import { atEnd } from '../support/at-end.ts'
import { tempDir } from '../support/processes.ts'
import type { Storm } from '../torture/storm.ts'
import { testStore } from './folder.ts'
import { twoAtOnce } from './job-check.ts'
import { type Party, party, type Role } from './party.ts'

const CREATORS = 4
const WORKERS = 8
/** Ready to take the place of one that is killed: to start takes longer than the time between two kills. */
const RESERVE = 4
const KILL_EVERY_MS = 20

/**
 * Processes that create jobs and others that run them, killed as fast as others start: no job is lost whose creation was
 * answered, none is run by two at once or finished twice, each has the value of its request, and nothing is damaged. In a
 * canary a creator is answered by nobody.
 */
export async function jobStorm(storm: Storm, durability: 'disk' | 'os'): Promise<void> {
  const store = await testStore({ durability })
  const log = join(tempDir(), 'log')
  const fd = openSync(log, 'a')
  atEnd(() => closeSync(fd))
  const all: Party[] = []
  const living = new Set<Party>()
  const begin = (role: Role): Party => {
    const one = party(store, role, { durability, log })
    all.push(one)
    living.add(one)
    one.ended.then(() => living.delete(one))
    return one
  }
  const roles: Role[] = [...Array(CREATORS).fill('create'), ...Array(WORKERS + RESERVE).fill('work')]
  await Promise.all(roles.map((role) => begin(role).ready()))
  const events = follow(store)
  storm.begin()
  while (!storm.isOver) {
    await storm.pause(KILL_EVERY_MS)
    // One that is still starting has nothing to lose; and some have to go on, or no job would ever be done.
    const ready = [...living].filter(({ has, child }) => has('ready') && child.signalCode === null)
    if (ready.length < CREATORS) continue
    const victim = storm.pick(ready)
    writeSync(fd, `kill ${victim.child.pid}\n`)
    victim.child.kill('SIGKILL')
    storm.kills++
    begin(victim.role)
  }
  await finish(storm, store, living)
  const created = all.flatMap(({ said }) =>
    said.filter(([word]) => word === 'created').map(([, id, i]) => ({ id: Number(id), i })),
  )
  if (storm.isCanary) created.push({ id: 1e9, i: '0' })
  storm.operations += created.length
  await checkJobs(storm, store, created)
  checkAnswers(storm, all, await events())
  for (const problem of twoAtOnce(readFileSync(log, 'utf8').split('\n').slice(0, -1))) storm.check(false, problem)
  // Of those who had no job, the next compaction clears away what they have left.
  await store.compact()
  const left = readdirSync(store.dir).filter((file) => /^(worker|new)-/.test(file))
  storm.check(left.length <= 1, () => `files of dead processes are left: ${left}`)
}

/** All that is left to do is done; then all end. */
async function finish(storm: Storm, store: JobStore, living: Set<Party>): Promise<void> {
  const of = (role: Role) => [...living].filter((one) => one.role === role)
  const end = async (parties: Party[]) => {
    for (const { child } of parties) child.stdin.end()
    await storm.soon(() => parties.every((one) => !living.has(one)), 30_000, 'a process does not end')
  }
  await end(of('create'))
  const open = async () => {
    const { pending, active, delayed } = await store.stats()
    return pending + active + delayed
  }
  await storm.soon(async () => (await open()) === 0, 60_000, 'jobs are not finished')
  await end(of('work'))
}

async function checkJobs(
  storm: Storm,
  store: JobStore,
  created: { id: number; i: string | undefined }[],
): Promise<void> {
  for (const { id, i } of created) {
    const job = await store.get(id)
    storm.check(job !== undefined, `job ${id} was answered, and is gone`)
    if (!job) continue
    const value = String(job.value)
    storm.check(job.state === 'fulfilled', `job ${id} is ${job.state}`)
    storm.check(value.startsWith(`${i} by `), `job ${id} was asked for ${i} and has the value ${value}`)
  }
  const report = await store.verify()
  storm.check(report.ok, () => `the store is damaged: ${JSON.stringify(report)}`)
}

/** What was answered, beside what the journal tells. */
function checkAnswers(storm: Storm, all: Party[], finished: number[]): void {
  storm.check(new Set(finished).size === finished.length, 'a job was finished twice')
  const said = all.flatMap(({ said }) => said)
  const fulfilled = said.filter(([word]) => word === 'fulfilled').map(([, id]) => Number(id))
  storm.check(new Set(fulfilled).size === fulfilled.length, 'the end of a job was answered to two')
  storm.note('answered ends', fulfilled.length)
  const errors = said.filter(([word]) => word === 'error').map(([, code]) => code)
  const strange = errors.filter((code) => code !== 'ERR_JOBSLOT_CLAIM_LOST')
  storm.check(strange.length === 0, `workers were told ${[...new Set(strange)]}`)
}

/** Listens to who is finished; at the end it gives all of them, or those until a compaction left it behind. */
function follow(store: JobStore): () => Promise<number[]> {
  const stop = new AbortController()
  const finished: number[] = []
  const following = (async () => {
    try {
      for await (const event of store.events({ from: 0, signal: stop.signal })) {
        if (event.type === 'fulfill') finished.push(Number(event.id))
      }
    } catch {
      // Told to stop, or left behind.
    }
  })()
  return async () => {
    await sleep(100)
    stop.abort()
    await following
    return finished
  }
}
