import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { cli } from '../support/cli.ts'
import { compiled } from '../support/compile.ts'
import { tempDir, waitFor } from '../support/processes.ts'
import { peak, readSpans } from '../support/spans.ts'
import { requireTool } from '../support/tools.ts'
import { makeJobs, now, times } from './builds.ts'
import { inUse, shell } from './commands.ts'

/** A named pool gets another size while builds run in it. */

const JOBS = 300

const resize = (slots: number) => ['resize', '--pool', 'ci', String(slots)]

test('more slots are at work within 50 ms, fewer as jobs end, none of which is killed; 0 drains', async (ctx) => {
  const make = requireTool('make44', ctx)
  const sh = await shell(2)
  const spans = join(tempDir(), 'spans')
  const build = sh.start([...cli, 'run', '--pool', 'ci', '--', make, '-s'], {
    cwd: makeJobs(spans, 'job', times(JOBS, 300)),
  })
  await waitFor(() => readSpans(spans).length >= 4, 10_000)
  const delays: number[] = []
  // Where the machine stalls, at one of them.
  for (let round = 0; round < 4; round++) {
    await sh.host.resize(2)
    await waitFor(async () => inUse(await sh.status()) === 2, 10_000)
    const before = now()
    await sh.host.resize(8)
    const begun = () => readSpans(spans).filter(({ begin }) => begin > before)
    await waitFor(() => begun().length >= 6)
    delays.push(Number((begun()[5]?.begin ?? 0n) - before) / 1e6)
  }
  console.info(`ms until six more slots are at work after resize: ${delays.map((ms) => ms.toFixed(1)).join(', ')}`)
  expect(Math.min(...delays)).toBeLessThan(50)

  expect(await sh.jobslot(...resize(3))).toMatchObject({ code: 0, stdout: '', stderr: '' })
  // On a busy machine make is often faster to take a token back than the broker to take it away.
  await waitFor(async () => inUse(await sh.status()) === 3, 10_000)
  const reduced = now()
  await sleep(900)
  expect(peak(readSpans(spans).filter(({ begin }) => begin > reduced))).toBeLessThanOrEqual(3)

  // Who is in goes on in the slot that it has; nobody else is let in.
  expect(await sh.jobslot(...resize(0))).toMatchObject({ code: 0, stdout: '', stderr: '' })
  const late = sh.start([...cli, 'acquire', '--pool', 'ci', '--', compiled('job'), spans, '10', 'late'])
  await waitFor(async () => (await sh.status()).waiters.length === 1)
  await waitFor(async () => inUse(await sh.status()) === 1, 10_000)
  const drained = now()
  await sleep(900)
  const since = readSpans(spans).filter(({ begin }) => begin > drained)
  expect(since.length).toBeGreaterThan(0)
  expect(peak(since)).toBe(1)
  expect(await sh.status()).toMatchObject({ slots: 0, free: 0, waiters: [expect.objectContaining({ pid: late.pid })] })

  expect(await sh.jobslot(...resize(16))).toMatchObject({ code: 0 })
  for (const { result } of [late, build]) expect(await result).toMatchObject({ code: 0, stdout: '' })
  const recorded = readSpans(spans)
  expect(recorded.filter(({ end }) => end !== null)).toHaveLength(JOBS + 1)
  expect(peak(recorded)).toBeLessThanOrEqual(16)
  expect(await sh.status()).toMatchObject({ free: 16, slots: 16, members: [] })
})
