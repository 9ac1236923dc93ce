import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createPool } from '../../src/pool/create-pool.ts'
import type { PoolSpawnOptions } from '../../src/pool/pool.ts'
import { scrubbed, tempDir } from '../support/processes.ts'
import { peak, readSpans } from '../support/spans.ts'
import { requireTool, type Skippable } from '../support/tools.ts'
import { makeJobs, now, sharesBetween, times } from './builds.ts'
import { useState } from './state.ts'

/** Who gets how much of a pool, when all want all. */

const random = (count: number, least: number, most: number) =>
  Array.from({ length: count }, () => Math.round(least + Math.random() * (most - least)))

/** A pool with builds that would last for minutes; all of it is gone at the end of the test. */
async function endless(slots: number, ctx: Skippable) {
  const make = requireTool('make44', ctx)
  useState()
  const spans = join(tempDir(), 'spans')
  const pool = await createPool({ slots })
  const killed: (() => Promise<unknown>)[] = []
  onTestFinished(async () => {
    await Promise.all(killed.map((kill) => kill()))
    await pool.close()
  })
  const build = async (label: string, durations: readonly number[], options: PoolSpawnOptions = {}) => {
    const member = await pool.spawn(make, ['-s'], {
      ...options,
      ...{ label, stdio: 'ignore', detached: true, cwd: makeJobs(spans, label, durations) },
      env: scrubbed(process.env) as NodeJS.ProcessEnv,
    })
    killed.push(() => {
      process.kill(-member.pid, 'SIGKILL')
      return member.exited
    })
    return member
  }
  return { pool, spans, build }
}

/** What each build has had of the slots in the next milliseconds. */
async function sharesWithin(spans: string, ms: number): Promise<Record<string, number>> {
  const from = now()
  await sleep(ms)
  return sharesBetween(readSpans(spans), from, now())
}

async function expectThirds(spans: string, slots: number): Promise<void> {
  const shares = await sharesWithin(spans, 2000)
  for (const label of ['one', 'two', 'late']) {
    expect(shares[label], JSON.stringify(shares)).toBeGreaterThan((slots / 3) * 0.8)
    expect(shares[label], JSON.stringify(shares)).toBeLessThan((slots / 3) * 1.2)
  }
}

describe('two builds, and one that joins later', () => {
  test.for([
    ['jobs of 100 ms', () => times(2000, 100)],
    ['jobs of random length', () => random(2000, 20, 250)],
  ] as const)('share twelve slots evenly within 2 s, and six after a resize: %s', async ([, durations], ctx) => {
    const { pool, spans, build } = await endless(12, ctx)
    await build('one', durations())
    await build('two', durations())
    await sleep(1000)
    await build('late', durations())
    await sleep(2000)
    await expectThirds(spans, 12)
    await pool.resize(6)
    await sleep(2000)
    await expectThirds(spans, 6)
    const spansNow = readSpans(spans)
    expect(peak(spansNow)).toBeLessThanOrEqual(12)
  })
})

test('a weight of two is twice as much', async (ctx) => {
  const { spans, build } = await endless(12, ctx)
  await build('one', times(2000, 100))
  await build('double', times(2000, 100), { weight: 2 })
  await sleep(1500)
  const shares = await sharesWithin(spans, 3000)
  const ratio = (shares.double ?? 0) / (shares.one ?? 0)
  expect(ratio, JSON.stringify(shares)).toBeGreaterThan(1.6)
  expect(ratio, JSON.stringify(shares)).toBeLessThan(2.4)
})

test('a higher priority has all it can use; the others keep the slot that they run in', async (ctx) => {
  const { spans, build } = await endless(6, ctx)
  await build('low', times(2000, 100))
  await build('high', times(2000, 100), { priority: 1 })
  await sleep(1500)
  const shares = await sharesWithin(spans, 2000)
  expect(shares.high, JSON.stringify(shares)).toBeGreaterThan(4.5)
  expect(shares.low, JSON.stringify(shares)).toBeGreaterThan(0.6)
})

test('max is the most that a member gets, whoever else is idle', async (ctx) => {
  const { spans, build } = await endless(8, ctx)
  await build('three', times(2000, 100), { max: 3 })
  await sleep(1000)
  const shares = await sharesWithin(spans, 2000)
  expect(shares.three).toBeGreaterThan(2.6)
  expect(peak(readSpans(spans))).toBe(3)
})

test('who comes to a full pool gets a slot within the length of one job', async (ctx) => {
  const { pool, build } = await endless(4, ctx)
  await build('one', times(2000, 300))
  await sleep(700)
  const began = performance.now()
  await build('late', times(2000, 300))
  expect(performance.now() - began).toBeLessThan(450)
  expect((await pool.status()).members.map(({ label }) => label)).toContain('late')
})

test('more slots are at work within 50 ms; fewer as jobs end, none of which is killed', async (ctx) => {
  const { pool, spans, build } = await endless(2, ctx)
  await build('one', times(4000, 400))
  await sleep(600)
  const resized = now()
  await pool.resize(8)
  await sleep(150)
  const begun = readSpans(spans).filter(({ begin }) => begin > resized && begin < resized + 50_000_000n)
  expect(begun.length).toBeGreaterThanOrEqual(6)
  await pool.resize(1)
  await sleep(1000)
  const recorded = readSpans(spans)
  const open = recorded.filter(({ end }) => end === null)
  expect(open.length).toBeLessThanOrEqual(1)
  expect(recorded.filter(({ begin }) => begin < resized).every(({ end }) => end !== null)).toBe(true)
})
