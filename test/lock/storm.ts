import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { lock, locks } from '../../src/lock.ts'
import { nameOfFile } from '../../src/names.ts'
import { addonEnv } from '../fd/program.ts'
import { atEnd } from '../support/at-end.ts'
import { packageDir } from '../support/cli.ts'
import { start, tempDir, waitFor } from '../support/processes.ts'
import type { Storm } from '../torture/storm.ts'
import { lockModule } from './party.ts'
import { check, type Event, TICK_MS } from './storm-check.ts'

const MEMBERS = 12
/** How long a lock may be wanted and not held, and how long one may wait; machines stall. */
const LIMITS = { idle: 1500, wait: 10_000 }

/** A folder for locks, and a file for all to write to. */
interface Ground {
  dir: string
  log: string
  say(event: object): void
  events(): Event[]
}

function ground(): Ground {
  const folder = tempDir()
  const dir = join(folder, 'locks')
  const log = join(folder, 'log')
  mkdirSync(dir)
  const fd = openSync(log, 'a')
  atEnd(() => closeSync(fd))
  const say = (event: object): void => {
    writeSync(fd, `${JSON.stringify({ t: Number(process.hrtime.bigint()) / 1e6, ...event })}\n`)
  }
  const events = (): Event[] => {
    const lines = readFileSync(log, 'utf8').trim().split('\n')
    return lines.map((line) => JSON.parse(line))
  }
  return { dir, log, say, events }
}

/**
 * Twelve processes that take locks in every way and are killed: they never hold what another holds, wait for nobody who
 * is gone, and each death is told to the next holder, once. In a canary they lock nothing.
 */
export async function lockStorm(storm: Storm): Promise<void> {
  const place = ground()
  const { dir, log, say } = place
  const members = new Set<ChildProcess>()
  const busy = new Set<ChildProcess>()
  let stopping = false
  let stderr = ''
  const begin = () => {
    const words = [lockModule, dir, log, String(storm.below(2 ** 31)), String(storm.isCanary)]
    const member = spawn(process.execPath, [join(import.meta.dirname, 'storm-member.mjs'), ...words], {
      env: addonEnv(),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    member.stdout.once('data', () => busy.add(member))
    member.stderr.on('data', (text) => {
      stderr += text
    })
    member.on('close', () => {
      members.delete(member)
      busy.delete(member)
      if (!stopping) begin()
    })
    members.add(member)
  }
  const kill = (member: ChildProcess) => {
    say({ e: 'kill', pid: member.pid })
    member.kill('SIGKILL')
  }
  atEnd(() => {
    stopping = true
    for (const member of members) member.kill('SIGKILL')
  })

  for (let i = 0; i < MEMBERS; i++) begin()
  const ticks = setInterval(() => say({ e: 'tick' }), TICK_MS)
  atEnd(() => clearInterval(ticks))
  await storm.soon(() => busy.size >= MEMBERS / 2, 60_000, 'too few members begin')
  storm.begin()
  while (!storm.isOver) {
    await storm.pause(storm.below(10))
    // Those that have not begun yet do no harm: so as fast as this machine starts them anew.
    if (busy.size < MEMBERS / 2) continue
    const member = storm.pick([...busy])
    busy.delete(member)
    kill(member)
  }
  clearInterval(ticks)
  stopping = true
  for (const member of members) kill(member)
  await waitFor(() => members.size === 0)
  storm.check(stderr === '', `members said: ${stderr}`)
  if (!storm.isCanary) await clearUp(storm, place)
  judge(storm, place, LIMITS)
}

/** The same without Node, which takes long to start: killed every few milliseconds. */
export async function nativeLockStorm(storm: Storm): Promise<void> {
  const place = ground()
  const program = join(tempDir(), 'lock_storm')
  compile(program)
  storm.begin()
  const words = [place.dir, place.log, String(storm.ms / 1000), String(storm.seed)]
  const { code, stderr } = await start([program, ...words], { timeout: storm.ms + 60_000 }).result
  storm.check(code === 0 && stderr === '', `the storm ended with ${code}: ${stderr}`)
  await clearUp(storm, place)
  judge(storm, place, { ...LIMITS, wait: 3000 })
}

function judge(storm: Storm, { events }: Ground, limits: typeof LIMITS): void {
  const { problems, taken, kills, told, idle, wait } = check(events(), limits)
  for (const problem of problems) storm.check(false, problem)
  storm.operations += taken
  storm.kills += kills
  storm.note('deaths told to the next holder', told)
  storm.note('ms at most that a lock was wanted and not held', idle)
  storm.note('ms at most that one waited', wait)
}

/** What the last have left is told as well; then there is nothing. */
async function clearUp(storm: Storm, { dir, say }: Ground): Promise<void> {
  const { pid } = process
  const began = performance.now()
  for (const file of readdirSync(dir).filter((entry) => !entry.endsWith('.queue'))) {
    const name = nameOfFile(file)
    for (let told = true; told; ) {
      say({ e: 'want', pid, names: [name] })
      const held = await lock(name, { dir, timeout: 1000 })
      told = held.abandonedBy !== null
      say({ e: 'begin', pid, names: [name], shared: false, told: held.abandoned })
      say({ e: 'end', pid })
      held.release()
    }
  }
  storm.check(performance.now() - began < 1000, 'what dead holders had is not free at once')
  const left = locks({ dir })
  storm.check(left.length === 0, () => `locks are left: ${JSON.stringify(left)}`)
  await storm.soon(
    () => readdirSync(dir).length === 0,
    5000,
    () => `files are left: ${readdirSync(dir)}`,
  )
}

function compile(program: string): void {
  const parts = ['byte_lock', 'lock_file', 'lock_folder', 'lock_line', 'lock_records']
  const sources = [...parts.map((part) => `src-native/core/${part}.cc`), 'test/native/lock_storm.cc']
  const flags = ['-std=c++17', '-O1', '-D_GNU_SOURCE', '-Isrc-native', '-o', program]
  execFileSync('c++', [...flags, ...sources], { cwd: packageDir, stdio: 'inherit' })
}
