import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { scrubbed } from '../support/processes.ts'
import type { Storm } from '../torture/storm.ts'
import { isAlive, leftIn, processesOf, project } from './project.ts'

const USERS = 5
/** What is promised on a quiet machine is a second. */
const ORPHAN_MS = 5000

interface User {
  child: ChildProcess
  isReady: boolean
  /** The workers that are its own. */
  workers: Set<number>
}

/**
 * Users of workers, of their own and shared, and the workers are killed: no worker outlives its users, no call hangs, and
 * every answer is that of its call. In a canary something is left that no user has.
 */
export async function workerStorm(storm: Storm): Promise<void> {
  const p = project()
  const file = p.file('user.mjs', readFileSync(join(import.meta.dirname, 'storm-user.mjs'), 'utf8'))
  const random = pathToFileURL(join(import.meta.dirname, '../client/storm-random.mjs')).href
  const users = new Set<User>()
  const orphans: Promise<void>[] = []

  const begin = () => {
    const words = [file, join(p.dir, 'worker.mjs'), String(storm.below(2 ** 31)), random]
    const env = { JOBSLOT_DIR: join(p.dir, 'state'), NODE_EXTRA_CA_CERTS: undefined }
    const child = spawn(process.execPath, words, {
      cwd: p.dir,
      env: scrubbed(process.env, env),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const user: User = { child, isReady: false, workers: new Set() }
    listen(storm, user)
    users.add(user)
    child.on('close', (code, signal) => {
      users.delete(user)
      const isWell = signal !== null || code === 0
      storm.check(isWell, `a user ended with ${code}`)
      if (signal === 'SIGKILL') orphans.push(expectGone(storm, [...user.workers]))
    })
  }

  for (let i = 0; i < USERS; i++) begin()
  await storm.soon(() => [...users].some(({ isReady }) => isReady), 60_000, 'no user begins')
  storm.begin()
  while (!storm.isOver) {
    while (users.size < USERS) begin()
    await storm.pause(20 + storm.below(150))
    const ready = [...users].filter(({ isReady }) => isReady)
    if (storm.chance(0.5)) {
      const user = storm.pick(ready)
      if (user?.child.kill('SIGKILL')) storm.kills++
      continue
    }
    const own = new Set([...users].map(({ child }) => child.pid))
    const worker = storm.pick(processesOf(p.dir).filter((pid) => !own.has(pid)))
    if (worker !== undefined && kill(worker)) {
      storm.kills++
      storm.note('workers killed')
    }
  }
  for (const { child } of users) child.kill('SIGTERM')
  await storm.soon(
    () => users.size === 0,
    60_000,
    () => `${users.size} users hang`,
  )
  await Promise.all(orphans)
  if (storm.isCanary) spawn('sh', ['-c', 'sleep 30; :', p.dir], { detached: true, stdio: 'ignore' }).unref()
  await storm.soon(
    () => processesOf(p.dir).length === 0,
    ORPHAN_MS,
    () => `processes are left: ${processesOf(p.dir)}`,
  )
  // The log of one that was killed stays, for whoever wants to know why; and the lock, until the next start.
  const left = () => leftIn(p.workers).filter((name) => !/\.lock$|^(one|other)\.log$/.test(name))
  // What killed ones have left is removed by the next start of any.
  await p.run(`const worker = await connectWorker('last', { module, idle: 1 }); await worker[Symbol.asyncDispose]()`)
  await storm.soon(
    () => left().length === 0,
    ORPHAN_MS,
    () => `files are left: ${left()}`,
  )
}

function listen(storm: Storm, user: User): void {
  let rest = ''
  user.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      const { ready, answers, worker, problem } = JSON.parse(line)
      if (ready) user.isReady = true
      if (answers) storm.operations += answers
      if (worker) user.workers.add(worker)
      if (problem) storm.check(false, `a user was told ${problem}`)
    }
  })
  user.child.stderr!.setEncoding('utf8').on('data', (text) => storm.check(false, `a user said ${text}`))
}

async function expectGone(storm: Storm, workers: number[]): Promise<void> {
  await storm.soon(
    () => !workers.some(isAlive),
    ORPHAN_MS,
    () => `workers outlive their user: ${workers.filter(isAlive)}`,
  )
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false // It ended meanwhile.
  }
}
