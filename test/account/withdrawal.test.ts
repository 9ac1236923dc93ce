import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Account } from '../../src/account/account.ts'
import { start, tempDir, waitFor } from '../support/processes.ts'
import type { Project } from '../support/projects.ts'
import { makeProject, ninjaProject } from '../support/projects.ts'
import { peak, readSpans } from '../support/spans.ts'
import { requireTool, type Skippable } from '../support/tools.ts'
import { testFifo } from './fifos.ts'

// More than are done before the test is over.
const endless = { jobs: 3000, ms: 100 }

const builds: { name: string; style: 'pipe' | 'fifo'; project(dir: string, ctx: Skippable): Project }[] = [
  {
    name: 'make 4.3',
    style: 'pipe',
    project: (dir, ctx) => makeProject(dir, { ...endless, make: requireTool('make43', ctx) }),
  },
  {
    name: 'make 4.4',
    style: 'fifo',
    project: (dir, ctx) => makeProject(dir, { ...endless, make: requireTool('make44', ctx) }),
  },
  {
    name: 'ninja 1.13',
    style: 'fifo',
    project: (dir, ctx) => ninjaProject(dir, { ...endless, ninja: requireTool('ninja113', ctx) }),
  },
]

/** A build without end that holds eleven tokens, and the account in which it does. */
async function endlessBuild(build: (typeof builds)[number], ctx: Skippable) {
  const dir = tempDir()
  const project = build.project(dir, ctx)
  const fifo = testFifo(dir)
  const account = new Account(null, 1, () => {})
  onTestFinished(() => account.close())
  account.add(0, fifo.opened())
  account.grant(0, 11)
  const auth = build.style === 'fifo' ? `fifo:${fifo.path}` : '8,9'
  // Descriptors of its own: what make sets on them, it sets for nobody else.
  const inShell = ['sh', '-c', 'exec 8<>"$0" 9<>"$0"; exec "$@"', fifo.path, ...project.argv]
  start(inShell, { ...project, env: { ...project.env, MAKEFLAGS: ` -j12 --jobserver-auth=${auth}` } })
  await waitFor(() => account.read(0).visible === 0, 10_000)
  return { account, spans: project.spans }
}

describe.each(builds)('of $name', (build) => {
  test('four of eleven tokens are taken back within two jobs, and its jobs are four fewer', async (ctx) => {
    const { account, spans } = await endlessBuild(build, ctx)
    await sleep(300)
    account.owe(0, 4)
    const from = performance.now()
    await waitFor(() => account.read(0).debt === 0)
    // 100 to 200 ms where nothing else runs.
    expect(performance.now() - from).toBeLessThan(1000)
    expect(account.read(0)).toMatchObject({ granted: 7, debt: 0 })

    // What was written by then has begun under the new limit, or ended.
    const count = readSpans(spans).length
    await sleep(1000)
    const later = readSpans(spans).slice(count + 12)
    expect(later.length).toBeGreaterThan(20)
    expect(peak(later)).toBe(8)
  })
})
