import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createPool } from '../../src/pool/create-pool.ts'
import type { Pool } from '../../src/pool/pool.ts'
import { compiled } from '../support/compile.ts'
import { run, scrubbed, tempDir } from '../support/processes.ts'
import { peak, readSpans } from '../support/spans.ts'
import { requireTool } from '../support/tools.ts'
import { makeJobs, ninjaJobs, times } from './builds.ts'
import { useState } from './state.ts'

/** Real builds that share one pool. */

const silent = { stdio: 'ignore', env: scrubbed(process.env) as NodeJS.ProcessEnv } as const

/** Waits for the ends of commands and closes the pool, which must have all its slots back. */
async function ended(pool: Pool, members: { exited: Promise<unknown> }[]): Promise<void> {
  for (const member of members) expect(await member.exited).toEqual({ code: 0, signal: null })
  expect(await pool.status()).toMatchObject({ free: 4, slots: 4, overReturned: 0, waiters: [] })
  expect(await pool.close()).toEqual({ missing: 0, extra: 0 })
}

describe('three builds on four slots', () => {
  test('never more than four jobs at once, and four at times', async (ctx) => {
    const [make43, make44, ninja] = [
      requireTool('make43', ctx),
      requireTool('make44', ctx),
      requireTool('ninja113', ctx),
    ]
    const state = useState()
    const spans = join(tempDir(), 'spans')
    const pool = await createPool({ slots: 4 })
    const members = await Promise.all([
      pool.spawn(make43, [], { ...silent, style: 'pipe', cwd: makeJobs(spans, 'make43', times(40, 50)) }),
      pool.spawn(make44, [], { ...silent, style: 'fifo', cwd: makeJobs(spans, 'make44', times(40, 50)) }),
      pool.spawn(ninja, [], { ...silent, style: 'fifo', cwd: ninjaJobs(spans, 'ninja', times(40, 50)) }),
    ])
    for (const { exited } of members) await exited
    await ended(pool, members)
    const recorded = readSpans(spans)
    expect(recorded.filter(({ end }) => end !== null)).toHaveLength(120)
    expect(peak(recorded)).toBe(4)
    expect(state.left()).toEqual([])
  })

  test('with this process as one more of them', async (ctx) => {
    const make = requireTool('make44', ctx)
    const state = useState()
    const spans = join(tempDir(), 'spans')
    const pool = await createPool({ slots: 4 })
    const jobs = times(40, 50)
    const members = await Promise.all([
      pool.spawn(make, [], { ...silent, cwd: makeJobs(spans, 'one', jobs) }),
      pool.spawn(make, [], { ...silent, cwd: makeJobs(spans, 'two', jobs) }),
    ])
    await pool.limit.map(jobs, (ms) => run([compiled('job'), spans, String(ms), 'own']))
    await ended(pool, members)
    const recorded = readSpans(spans)
    expect(recorded.filter(({ end }) => end !== null)).toHaveLength(120)
    expect(peak(recorded)).toBe(4)
    expect(state.left()).toEqual([])
  })
})
