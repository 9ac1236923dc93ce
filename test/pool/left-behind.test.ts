import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newState } from '../real/state.ts'
import { cli } from '../support/cli.ts'
import { compiled } from '../support/compile.ts'
import { childrenOf, start, tempDir, waitFor } from '../support/processes.ts'
import { peak, readSpans } from '../support/spans.ts'
import { requireTool } from '../support/tools.ts'
import { makeJobs, times } from './builds.ts'
import { inUse, shell } from './commands.ts'

/** The jobs of a command that is killed run on. Their slots are theirs, also where the command held them of another limit. */

const ms = 1500
const open = (spans: string, label: string) =>
  readSpans(spans).filter((span) => span.label === label && span.end === null).length

/** The innermost of a chain of processes, each the only child of the one before. */
function innermost(pid: number, depth: number): number {
  for (; depth > 0; depth--) pid = childrenOf(pid)[0] ?? -1
  return pid
}

test('of a run -j3 in a run of a pool', async (ctx) => {
  const make = requireTool('make44', ctx)
  const sh = await shell(4)
  const spans = join(tempDir(), 'spans')
  const running = sh.start([...cli, 'run', '--pool', 'ci', '--', ...cli, 'run', '-j3', '--', make, '-s'], {
    cwd: makeJobs(spans, 'job', times(20, ms)),
  })
  await waitFor(() => open(spans, 'job') === 3, 10_000)
  process.kill(innermost(running.pid, 2), 'SIGKILL')
  let least = 4
  while (open(spans, 'job') === 3) least = Math.min(least, inUse(await sh.status()))
  expect(least).toBeGreaterThanOrEqual(3)
  expect(await running.result).toMatchObject({ signal: 'SIGKILL' })
  await waitFor(async () => (await sh.status()).free === 4, 2000)
  expect(await sh.status()).toMatchObject({ members: [], overReturned: 0 })
})

test('of an acquire -c 2 of a pool', async () => {
  const sh = await shell(4)
  const spans = join(tempDir(), 'spans')
  const job = `${compiled('job')} ${spans} ${ms} job`
  const running = sh.start([...cli, 'acquire', '--pool', 'ci', '-c', '2', 'sh', '-c', `${job} & ${job} & wait`])
  await waitFor(() => open(spans, 'job') === 2, 10_000)
  process.kill(innermost(running.pid, 1), 'SIGKILL')
  await waitFor(async () => (await sh.status()).members.some(({ survivors }) => survivors > 0))
  expect(await sh.status()).toMatchObject({ free: 2 })
  expect(open(spans, 'job')).toBe(2)
  await running.result
  await waitFor(async () => (await sh.status()).free === 4, 2000)
})

test('of a run -j3 in a make: that goes on when they have ended, and misses no token', async (ctx) => {
  const make = requireTool('make44', ctx)
  const dir = tempDir()
  const spans = join(dir, 'spans')
  const inner = `${make} -s -C ${makeJobs(spans, 'inner', times(20, ms))}`
  const others = Array.from({ length: 40 }, (_, i) => `other${i}`).join(' ')
  const rules = [
    `all: inner ${others}`,
    `inner:\n\t+@exec ${cli.join(' ')} run -j3 -- ${inner}`,
    `${others}: started\n\t@${compiled('job')} ${spans} 100 other`,
    // What runs beside it waits until it has its slots.
    `started:\n\t@until [ $$(grep -c ' inner$$' ${spans}) -ge 3 ]; do sleep 0.02; done`,
  ]
  writeFileSync(join(dir, 'Makefile'), `.PHONY: all inner started ${others}\n${rules.join('\n')}\n`)
  writeFileSync(spans, '')
  const running = start([make, '-sk', '-j4'], { cwd: dir, env: { ...newState().env, NODE_EXTRA_CA_CERTS: undefined } })
  await waitFor(() => open(spans, 'inner') === 3, 10_000)
  const [jobslot] = childrenOf(running.pid).filter((pid) => childrenOf(pid).length > 0)
  process.kill(innermost(jobslot ?? -1, 1), 'SIGKILL')
  const { stderr } = await running.result
  expect(stderr).not.toMatch(/tokens available/)
  const recorded = readSpans(spans)
  expect(recorded.filter(({ end }) => end === null)).toEqual([])
  expect(recorded.filter(({ label }) => label === 'other')).toHaveLength(40)
  // The slot of the recipe itself is make's again when the command ends that it started: that is awaited.
  expect(peak(recorded)).toBeLessThanOrEqual(4)
})
