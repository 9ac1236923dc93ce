import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { npx, quietNpm, withPackage } from '../real/npx.ts'
import { cli, libraryFile } from '../support/cli.ts'
import { compiled } from '../support/compile.ts'
import { childrenOf, tempDir, waitFor } from '../support/processes.ts'
import { peak, readSpans } from '../support/spans.ts'
import { requireTool, type Skippable } from '../support/tools.ts'
import { inUse, shell } from './commands.ts'

/**
 * Ways to call jobslot from what jobslot has started. In a pool of one slot none waits for the slot that its own caller
 * holds; in a larger one each job has one slot, and no slot is counted twice.
 */

const SLOTS = 3
const JOBS = 4

interface Way {
  /** A command that runs `JOBS` jobs, each by this command line, as many at once as it can get slots for. */
  argv(job: string, dir: string, ctx: Skippable): string[]
  /** How many of the jobs can run at once where the pool has this many slots. */
  atOnce?(slots: number): number
  /** Members of the pool meanwhile. Default 1. */
  members?(slots: number): number
}

const jobslot = cli.join(' ')
const each = (command: string) => `${`${command} & `.repeat(JOBS)}wait`
const inPool = (...argv: string[]) => [...cli, 'run', '--pool', 'ci', '--', ...argv]
const shellScript = (text: string) => ['sh', '-c', text]

function makefile(dir: string, name: string, recipe: string, count = JOBS): string {
  const file = join(dir, name)
  const names = Array.from({ length: count }, (_, i) => `${name}${i}`).join(' ')
  writeFileSync(file, `.PHONY: all ${names}\nall: ${names}\n${names}:\n\t+@${recipe}\n`)
  return file
}

const ways: Record<string, Way> = {
  'acquire in run': { argv: (job) => inPool(...shellScript(each(`${jobslot} acquire -- ${job}`))) },
  'acquire of the same pool in run': {
    argv: (job) => inPool(...shellScript(each(`${jobslot} acquire --pool ci -- ${job}`))),
  },
  'run in run': {
    argv: (job) => inPool(...shellScript(`${jobslot} run -- sh -c '${each(`${jobslot} acquire -- ${job}`)}'`)),
  },
  'run of the same pool in run': {
    argv: (job) =>
      inPool(...shellScript(`${jobslot} run --pool ci -- sh -c '${each(`${jobslot} acquire --pool ci -- ${job}`)}'`)),
  },
  'run -j2 in run': {
    argv: (job) =>
      inPool(...shellScript(`${jobslot} run -j2 -- sh -c '${each(`${jobslot} acquire -- ${job}`)}' 2>/dev/null`)),
    atOnce: (slots) => Math.min(2, slots),
  },
  'acquire in make in run': {
    argv: (job, dir, ctx) =>
      inPool(requireTool('make44', ctx), '-sf', makefile(dir, 'outer', `${jobslot} acquire --pool ci -- ${job}`)),
  },
  'run of the same pool in make in run': {
    argv: (job, dir, ctx) => {
      const make = requireTool('make44', ctx)
      const inner = `${jobslot} run --pool ci -- ${make} -sf ${makefile(dir, 'inner', job, 2)}`
      return inPool(make, '-sf', makefile(dir, 'outer', inner, JOBS / 2))
    },
  },
  'acquire in make 4.3 in run': {
    argv: (job, dir, ctx) => {
      const make = requireTool('make43', ctx)
      const file = makefile(dir, 'outer', `${jobslot} acquire --pool ci -- ${job}`)
      return [...cli, 'run', '--pool', 'ci', '--style', 'pipe', '--', make, '-sf', file]
    },
  },
  'acquire in subshells in run': {
    argv: (job) => inPool(...shellScript(each(`( ${jobslot} acquire -- ${job}; true )`))),
  },
  'acquire through npx in run': {
    argv: (job, dir) => {
      withPackage(dir)
      return inPool(...shellScript(each(`${npx.join(' ')} acquire --pool ci -- ${job}`)))
    },
  },
  'acquire in xargs -P in run': {
    argv: (job) => inPool(...shellScript(`seq ${JOBS} | xargs -P ${JOBS} -I{} ${jobslot} acquire --pool ci -- ${job}`)),
  },
  'acquire through a Node in run': {
    argv: (job, dir) => {
      const file = join(dir, 'middle.cjs')
      const spawn = `require('node:child_process').spawn(process.execPath, ${JSON.stringify([...cli.slice(1), 'acquire', '--', ...job.split(' ')])}, { stdio: 'inherit' })`
      writeFileSync(file, `for (let i = 0; i < ${JOBS}; i++) ${spawn}\n`)
      return inPool(process.execPath, file)
    },
  },
  'openPool in run': {
    argv: (job, dir) => inPool(process.execPath, library(dir, job, `await openPool('ci')`)),
  },
  'openPool in run, its members': {
    argv: (job, dir) => inPool(process.execPath, library(dir, job, `await openPool('ci')`, 'members')),
  },
  'connect in run': {
    argv: (job, dir) => inPool(process.execPath, library(dir, job, 'connect()')),
  },
  'acquire in acquire': {
    argv: (job) => [...cli, 'acquire', '--pool', 'ci', ...shellScript(each(`${jobslot} acquire --pool ci -- ${job}`))],
    atOnce: () => 1,
  },
  'run of the same pool in acquire': {
    argv: (job) => [
      ...cli,
      'acquire',
      '--pool',
      'ci',
      ...cli,
      'run',
      '--pool',
      'ci',
      '--',
      ...shellScript(each(`${jobslot} acquire -- ${job}`)),
    ],
    atOnce: () => 1,
  },
  'acquire of the pool in run -j2': {
    argv: (job) => [...cli, 'run', '-j2', '--', ...shellScript(each(`${jobslot} acquire --pool ci -- ${job}`))],
    atOnce: (slots) => slots,
    members: (slots) => slots,
  },
}

/** A program of JOBS jobs, each in a slot that it takes itself. */
function library(dir: string, job: string, opened: string, how: 'slots' | 'members' = 'slots'): string {
  const file = join(dir, 'program.mjs')
  const [command, ...args] = job.split(' ')
  const spawned = `spawn(${JSON.stringify(command)}, ${JSON.stringify(args)}, { stdio: 'inherit' })`
  const one =
    how === 'slots'
      ? `pool.run(() => new Promise((done) => ${spawned}.on('exit', done)))`
      : `pool.${spawned}.then((member) => member.exited)`
  writeFileSync(
    file,
    `import { spawn } from 'node:child_process'
import { connect, openPool } from ${JSON.stringify(libraryFile)}
const pool = ${opened}
await Promise.all(Array.from({ length: ${JOBS} }, () => ${one}))
await pool.close()
`,
  )
  return file
}

/** Runs it; while as many jobs run as can, looks at what the pool counts. */
async function runWay({ argv, atOnce = (slots) => slots, members = () => 1 }: Way, slots: number, ctx: Skippable) {
  const sh = await shell(slots)
  const dir = tempDir()
  const [spans, gate, wait] = [join(dir, 'spans'), join(dir, 'gate'), join(dir, 'wait.sh')]
  writeFileSync(wait, `until [ -e ${gate} ]; do sleep 0.02; done\n`)
  const job = `${compiled('job')} ${spans} 20 job sh ${wait}`
  const running = sh.start(argv(job, dir, ctx), { cwd: dir, env: quietNpm, timeout: 40_000 })
  const wanted = atOnce(slots)
  running.result.catch(() => {})
  const open = () => readSpans(spans).filter(({ end }) => end === null).length
  await waitFor(() => open() === wanted || running.child.exitCode !== null, 20_000, `${wanted} jobs at once`)
  // What else would begin has begun by then.
  await new Promise((resolve) => setTimeout(resolve, 300))
  const status = await sh.status()
  const during = { running: open(), inUse: inUse(status), free: status.free, members: status.members.length }
  writeFileSync(gate, '')
  const result = await running.result
  expect(result).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
  const recorded = readSpans(spans)
  expect(recorded.filter(({ end }) => end !== null)).toHaveLength(JOBS)
  expect(peak(recorded)).toBe(wanted)
  expect(during).toEqual({ running: wanted, inUse: wanted, free: slots - wanted, members: members(slots) })
  await waitFor(async () => (await sh.status()).free === slots, 2000, 'all slots are free')
  expect(await sh.status()).toMatchObject({ members: [], waiters: [], overReturned: 0, reclaimed: 0 })
}

test('acquire of another pool in run: each pool counts its own', async () => {
  const sh = await shell(1)
  const other = await sh.connect('other', { slots: 2 })
  const [spans, gate] = [join(tempDir(), 'spans'), join(tempDir(), 'gate')]
  const job = `${compiled('job')} ${spans} 20 job sh -c 'until [ -e ${gate} ]; do sleep 0.02; done'`
  const running = sh.start(inPool(...shellScript(each(`${jobslot} acquire --pool other -- ${job}`))))
  await waitFor(() => readSpans(spans).length === 2, 20_000)
  expect(await sh.status()).toMatchObject({ free: 0, members: [{ base: 1, granted: 0 }], waiters: [] })
  await waitFor(async () => (await other.status()).waiters.length === JOBS - 2)
  expect(await other.status()).toMatchObject({ free: 0, members: [{ base: 1 }, { base: 1 }] })
  writeFileSync(gate, '')
  expect(await running.result).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
  expect(peak(readSpans(spans))).toBe(2)
  expect(await sh.status()).toMatchObject({ free: 1, members: [] })
  expect(await other.status()).toMatchObject({ free: 2, members: [] })
})

test('a pool of the same name in another folder is another pool', async () => {
  const sh = await shell(1)
  const elsewhere = tempDir()
  // In the one it is the first member, and waits there in vain as a member of the other.
  const within = `JOBSLOT_DIR=${elsewhere} ${jobslot} acquire --pool ci -- sh -c 'echo $JOBSLOT_MEMBER'`
  const { stdout, stderr } = await sh.start(inPool(...shellScript(within))).result
  expect(stderr).toBe('')
  expect(stdout).toMatch(/^ci\/\d+ ci\/\d+\n$/)

  const other = sh.start(inPool('sleep', '30'), { env: { JOBSLOT_DIR: elsewhere } })
  const killed = sh.start(inPool('sleep', '30'))
  await waitFor(() => childrenOf(killed.pid).length === 1 && childrenOf(other.pid).length === 1)
  process.kill(childrenOf(killed.pid)[0]!, 'SIGKILL')
  expect(await killed.result).toMatchObject({ signal: 'SIGKILL' })
  expect(await sh.status()).toMatchObject({ free: 1, members: [] })
  process.kill(-other.pid, 'SIGKILL')
  await other.result.catch(() => {})
})

describe.each([1, SLOTS])('in a pool of %i', (slots) => {
  test.for(Object.entries(ways))('%s', { timeout: 60_000 }, ([, way], ctx) => runWay(way, slots, ctx))
})
