import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cli } from '../support/cli.ts'
import { compiled } from '../support/compile.ts'
import { run, tempDir } from '../support/processes.ts'
import { peak, readSpans, type Span } from '../support/spans.ts'
import { requireTool, type Skippable } from '../support/tools.ts'
import { makeJobs, ninjaJobs, times } from './builds.ts'
import { type Shell, shell } from './commands.ts'

/** Real builds that users start with `jobslot run --pool`, and commands with `jobslot acquire --pool`. */

const SLOTS = 4
const JOBS = times(40, 50)
const ROUNDS = 3

function builds(spans: string, ctx: Skippable): [argv: string[], cwd: string][] {
  const inPool = (style: string) => [...cli, 'run', '--pool', 'ci', '--style', style, '--']
  return [
    [[...inPool('pipe'), requireTool('make43', ctx), '-s'], makeJobs(spans, 'make43', JOBS)],
    [[...inPool('fifo'), requireTool('make44', ctx), '-s'], makeJobs(spans, 'make44', JOBS)],
    [[...inPool('fifo'), requireTool('ninja113', ctx), '--quiet'], ninjaJobs(spans, 'ninja', JOBS)],
  ]
}

async function runAll(sh: Shell, spans: string, ctx: Skippable, ...more: Promise<unknown>[]): Promise<Span[]> {
  await Promise.all([...builds(spans, ctx).map(([argv, cwd]) => sh.quietly(argv, { cwd })), ...more])
  expect(await sh.status()).toMatchObject({ free: SLOTS, members: [], waiters: [], overReturned: 0, reclaimed: 0 })
  const recorded = readSpans(spans)
  expect(recorded.filter(({ end }) => end === null)).toEqual([])
  expect(peak(recorded)).toBe(SLOTS)
  return recorded
}

/** From the first job's begin to the last one's end: how long the programs take to start, the limit does not change. */
function duration(spans: readonly Span[]): number {
  const ends = spans.map(({ end }) => Number(end))
  return (Math.max(...ends) - Number(spans[0]?.begin)) / 1e6
}

test('three builds take the time that one make -j4 takes for all their jobs, and never more slots', async (ctx) => {
  const make = requireTool('make43', ctx)
  const sh = await shell(SLOTS)
  const [alone, shared]: [number[], number[]] = [[], []]
  // One after the other by turns: what else the machine does meets both.
  for (let round = 0; round < ROUNDS; round++) {
    const own = join(tempDir(), 'spans')
    await run([make, '-s', `-j${SLOTS}`], { cwd: makeJobs(own, 'alone', times(3 * JOBS.length, 50)) })
    alone.push(duration(readSpans(own)))
    const recorded = await runAll(sh, join(tempDir(), 'spans'), ctx)
    expect(recorded).toHaveLength(3 * JOBS.length)
    shared.push(duration(recorded))
  }
  const ratio = Math.min(...shared) / Math.min(...alone)
  console.info(`three builds on four slots: ${ratio.toFixed(3)} of the time of one make -j4`, { alone, shared })
  // 1.33 is one slot that nobody uses; 1.05 is wanted of a machine at rest.
  expect(ratio).toBeLessThan(1.2)
})

test('with commands mixed in that take a slot each', async (ctx) => {
  const sh = await shell(SLOTS)
  const spans = join(tempDir(), 'spans')
  const acquire = [...cli, 'acquire', '--pool', 'ci', '--', compiled('job'), spans, '50', 'acquire']
  const callers = Array.from({ length: 3 }, async () => {
    for (let i = 0; i < 6; i++) await sh.quietly(acquire)
  })
  const recorded = await runAll(sh, spans, ctx, ...callers)
  expect(recorded).toHaveLength(3 * JOBS.length + 18)
  const busy = recorded.reduce((sum, { begin, end }) => sum + Number((end ?? begin) - begin), 0) / 1e6
  const share = busy / (SLOTS * duration(recorded.filter(({ label }) => label !== 'acquire')))
  console.info(`with callers mixed in: ${(share * 100).toFixed(0)} % of the slots' time is used while builds run`)
})
