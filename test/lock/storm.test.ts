import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { lock, locks } from '../../src/lock.ts'
import { nameOfFile } from '../../src/names.ts'
// @ts-expect-error It is plain JavaScript.
import { random } from '../client/storm-random.mjs'
import { addonEnv } from '../fd/program.ts'
import { packageDir } from '../support/cli.ts'
import { run, tempDir, waitFor } from '../support/processes.ts'
import { lockModule } from './party.ts'
import { check, type Event, TICK_MS } from './storm-check.ts'

const seconds = Number(process.env.STORM_SECONDS ?? 30)
const MEMBERS = 12
const LIMITS = { idle: 1500, wait: 10_000 }

function newSeed(lasts: number): number {
  const seed = Number(process.env.STORM_SEED ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`a storm of ${lasts} s: STORM_SEED=${seed} repeats its choices, STORM_SECONDS its length`)
  return seed
}

/** A folder for locks, and a file for all to write to. */
function ground() {
  const folder = tempDir()
  const dir = join(folder, 'locks')
  const log = join(folder, 'log')
  mkdirSync(dir)
  const fd = openSync(log, 'a')
  onTestFinished(() => closeSync(fd))
  const say = (event: object): void => {
    writeSync(fd, `${JSON.stringify({ t: Number(process.hrtime.bigint()) / 1e6, ...event })}\n`)
  }
  const events = (): Event[] => {
    const lines = readFileSync(log, 'utf8').trim().split('\n')
    return lines.map((line) => JSON.parse(line))
  }
  return { dir, log, say, events }
}

interface Storm {
  dir: string
  events(): Event[]
  say(event: object): void
  stderr: string
}

/** Keeps twelve processes busy with locks, and kills one after the other. All are gone at the end. */
async function storm(lasts: number, { broken = false } = {}): Promise<Storm> {
  const { below, pick } = random(newSeed(lasts))
  const { say, log, ...rest } = ground()
  const result: Storm = { ...rest, say, stderr: '' }
  const { dir } = result
  const members = new Set<ChildProcess>()
  const busy = new Set<ChildProcess>()
  let stopping = false
  const start = () => {
    const argv = [
      join(import.meta.dirname, 'storm-member.mjs'),
      lockModule,
      dir,
      log,
      String(below(2 ** 31)),
      String(broken),
    ]
    const member = spawn(process.execPath, argv, { env: addonEnv(), stdio: ['ignore', 'pipe', 'pipe'] })
    member.stdout.once('data', () => busy.add(member))
    member.stderr.on('data', (text) => {
      result.stderr += text
    })
    member.on('close', () => {
      members.delete(member)
      busy.delete(member)
      if (!stopping) start()
    })
    members.add(member)
  }
  const kill = (member: ChildProcess) => {
    say({ e: 'kill', pid: member.pid })
    member.kill('SIGKILL')
  }
  onTestFinished(() => {
    stopping = true
    for (const member of members) member.kill('SIGKILL')
  })

  for (let i = 0; i < MEMBERS; i++) start()
  const ticks = setInterval(() => say({ e: 'tick' }), TICK_MS)
  const until = performance.now() + lasts * 1000
  while (performance.now() < until) {
    await sleep(below(10))
    // Those that have not begun yet do no harm: so as fast as this machine starts them anew.
    if (busy.size < MEMBERS / 2) continue
    const member = pick([...busy])
    busy.delete(member)
    kill(member)
  }
  clearInterval(ticks)
  stopping = true
  for (const member of members) kill(member)
  await waitFor(() => members.size === 0)
  return result
}

/** What the last have left is told as well; then there is nothing. */
async function clearUp(dir: string, say: (event: object) => void): Promise<void> {
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
  expect(performance.now() - began).toBeLessThan(1000)
  expect(locks({ dir })).toEqual([])
  await waitFor(() => readdirSync(dir).length === 0, 5000, 'no file is left')
}

function compile(program: string): void {
  const parts = ['byte_lock', 'lock_file', 'lock_folder', 'lock_line', 'lock_records']
  const sources = [...parts.map((part) => `src-native/core/${part}.cc`), 'test/native/lock_storm.cc']
  const flags = ['-std=c++17', '-O1', '-D_GNU_SOURCE', '-Isrc-native', '-o', program]
  execFileSync('c++', [...flags, ...sources], { cwd: packageDir, stdio: 'inherit' })
}

describe('twelve processes that take locks in every way, and are killed', { retry: 0, timeout: 600_000 }, () => {
  test('never hold what another holds, wait for nobody, and leave nothing untold', async () => {
    const { dir, say, events, ...rest } = await storm(seconds)
    expect(rest.stderr).toBe('')
    await clearUp(dir, say)
    const { problems, ...counts } = check(events(), LIMITS)
    expect(problems).toEqual([])
    console.log(`it was: ${JSON.stringify(counts)}`)
    expect(counts.taken).toBeGreaterThan(seconds * 20)
    expect(counts.told).toBeGreaterThan(seconds / 3)
  })

  test('the same without Node, killed every few milliseconds', async () => {
    const { dir, log, say, events } = ground()
    const program = join(tempDir(), 'lock_storm')
    compile(program)
    const result = await run([program, dir, log, String(seconds / 5), String(newSeed(seconds / 5))], {
      timeout: 120_000,
    })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    await clearUp(dir, say)
    const { problems, ...counts } = check(events(), { ...LIMITS, wait: 3000 })
    expect(problems).toEqual([])
    console.log(`it was: ${JSON.stringify(counts)}`)
    expect(counts.kills).toBeGreaterThan(seconds * 5)
    expect(counts.told).toBeGreaterThan(seconds / 2)
  })

  test('are found out where they lock nothing', async () => {
    const { events } = await storm(3, { broken: true })
    expect(check(events(), LIMITS).problems.join('\n')).toMatch(/both hold/)
  })
})
