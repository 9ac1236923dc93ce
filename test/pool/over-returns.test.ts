import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cli } from '../support/cli.ts'
import { tempDir, waitFor } from '../support/processes.ts'
import { gccLtoProject } from '../support/projects.ts'
import { peak, readSpans } from '../support/spans.ts'
import { requireTool } from '../support/tools.ts'
import { makeJobs, times } from './builds.ts'
import { inUse, shell } from './commands.ts'

/** Clients that write back what they never took: it is nobody's slot. */

const inPool = [...cli, 'run', '--pool', 'ci', '--style', 'pipe', '--']

describe('more tokens than were taken', () => {
  test('are withdrawn while the client runs, and told at its end', async (ctx) => {
    const make = requireTool('make44', ctx)
    const sh = await shell(3)
    const spans = join(tempDir(), 'spans')
    const build = sh.start([...cli, 'run', '--pool', 'ci', '--', make, '-s'], {
      cwd: makeJobs(spans, 'job', times(40, 100)),
    })
    const client = sh.start([...inPool, 'bash', '-c', 'printf GGGGG >&21; sleep 2'])
    await waitFor(async () => (await sh.status()).overReturned === 5, 10_000)
    const status = await sh.status()
    expect(inUse(status) + status.members.reduce((sum, { visible }) => sum + visible, 0)).toBeLessThanOrEqual(3)
    expect(await client.result).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^jobslot: 5 tokens were given back that nobody had taken: .*\n$/),
    })
    expect(await build.result).toMatchObject({ code: 0, stderr: '' })
    // One of the three slots was the client's meanwhile.
    expect(peak(readSpans(spans))).toBeLessThanOrEqual(3)
    const report = JSON.parse((await sh.jobslot('status', '--pool', 'ci', '--json')).stdout)
    expect(report).toMatchObject({ slots: 3, free: 3, overReturned: 5, members: [] })
  })

  test('in the last moment are withdrawn before the next member has them', async () => {
    const sh = await shell(2)
    for (let i = 1; i <= 3; i++) {
      const { stderr } = await sh.start([...inPool, 'bash', '-c', 'printf ++ >&21']).result
      expect(stderr).toMatch(/^jobslot: 2 tokens were given back that nobody had taken: /)
      expect(await sh.status()).toMatchObject({ free: 2, overReturned: 2 * i })
    }
  })
})

test('a gcc, which writes back bytes of its own, returns as many as it took', async (ctx) => {
  const sh = await shell(4)
  const project = gccLtoProject(tempDir(), {
    ...{ jobs: 8, ms: 100 },
    ...{ make: requireTool('make43', ctx), gcc: requireTool('gcc', ctx) },
  })
  await sh.quietly([...inPool, ...project.argv], { cwd: project.cwd, env: project.env })
  expect(peak(readSpans(project.spans))).toBe(4)
  expect(await sh.status()).toMatchObject({ free: 4, overReturned: 0, reclaimed: 0 })
})
