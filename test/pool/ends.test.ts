import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createPool } from '../../src/pool/create-pool.ts'
import { libraryFile } from '../support/cli.ts'
import { run, scrubbed, tempDir, waitFor } from '../support/processes.ts'
import { readSpans } from '../support/spans.ts'
import { requireTool } from '../support/tools.ts'
import { makeJobs, times } from './builds.ts'
import { useState } from './state.ts'

/** What becomes of a member's slots at its end, whatever that is like. */

const env = scrubbed(process.env) as NodeJS.ProcessEnv
const quiet = { stdio: 'ignore', env } as const

test('the jobs of a make that is killed keep their slots until they end', async (ctx) => {
  const make = requireTool('make44', ctx)
  const state = useState()
  const spans = join(tempDir(), 'spans')
  const pool = await createPool({ slots: 4 })
  const member = await pool.spawn(make, [], { ...quiet, cwd: makeJobs(spans, 'job', times(4, 1500)) })
  await waitFor(() => readSpans(spans).length === 4)
  member.kill('SIGKILL')
  expect(await member.exited).toEqual({ code: null, signal: 'SIGKILL' })
  const [left] = (await pool.status()).members.filter(({ id }) => id === member.id)
  expect(left).toMatchObject({ base: 0, held: 4 })
  expect(left?.survivors).toBeGreaterThanOrEqual(4)
  expect((await pool.status()).free).toBe(0)
  expect(pool.tryAcquire()).toBeNull()
  await waitFor(() => readSpans(spans).every(({ end }) => end !== null))
  await waitFor(async () => (await pool.status()).free === 4, 1000)
  expect(await pool.status()).toMatchObject({ reclaimed: 3, overReturned: 0 })
  expect(await pool.close()).toEqual({ missing: 0, extra: 0 })
  expect(state.left()).toEqual([])
})

test('what a killed client took is back at the end of its build', async () => {
  useState()
  const pool = await createPool({ slots: 4 })
  // Takes two tokens and is killed with them.
  const script =
    'exec 9<>"$(echo "$MAKEFLAGS" | sed s/.*fifo://)"; sh -c "dd bs=1 count=2 <&9; kill -9 \\$\\$" & wait; true'
  const member = await pool.spawn('sh', ['-c', script], { ...quiet, style: 'fifo' })
  expect(await member.exited).toEqual({ code: 0, signal: null })
  expect(await pool.status()).toMatchObject({ free: 4, reclaimed: 2 })
  expect(await pool.close()).toEqual({ missing: 0, extra: 0 })
})

test('what lives on after a clean end holds no slot', async () => {
  useState()
  const pool = await createPool({ slots: 2 })
  const pidFile = join(tempDir(), 'pid')
  const script = `setsid sleep 30 <&- >&- 2>&- & echo $! > ${pidFile}`
  const member = await pool.spawn('sh', ['-c', script], quiet)
  expect(await member.exited).toEqual({ code: 0, signal: null })
  expect(await pool.status()).toMatchObject({ free: 2, members: [expect.objectContaining({ kind: 'process' })] })
  expect(await pool.close()).toEqual({ missing: 0, extra: 0 })
  spawn('sh', ['-c', `kill $(cat ${pidFile})`])
})

test('tokens that nobody had taken are taken away and told', async () => {
  useState()
  const pool = await createPool({ slots: 4 })
  const other = await pool.spawn('sleep', ['5'], quiet)
  const script = 'exec 9<>"$(echo "$MAKEFLAGS" | sed s/.*fifo://)"; printf +++++ >&9; sleep 0.5'
  const member = await pool.spawn('sh', ['-c', script], { ...quiet, style: 'fifo' })
  await waitFor(async () => (await pool.status()).overReturned > 0)
  expect((await pool.status()).members.reduce((sum, { base, granted }) => sum + base + granted, 0)).toBeLessThanOrEqual(
    4,
  )
  await member.exited
  other.kill()
  await other.exited
  expect(await pool.status()).toMatchObject({ overReturned: 5, free: 4 })
  expect(await pool.close()).toEqual({ missing: 0, extra: 5 })
})

describe('a command that cannot be started gives its slot back', () => {
  test.for([
    ['/no/such/command', /no such command/],
    ['/etc/passwd', /could not be started: EACCES/],
  ] as const)('%s', async ([command, message]) => {
    useState()
    const pool = await createPool({ slots: 1 })
    await expect(pool.spawn(command)).rejects.toThrow(message)
    expect(await pool.status()).toMatchObject({ free: 1 })
    expect(await pool.close()).toEqual({ missing: 0, extra: 0 })
  })
})

test('what is no command, label or weight is told, and takes no slot', async () => {
  useState()
  const pool = await createPool({ slots: 1 })
  const wrong: readonly [unknown, object][] = [
    [5, {}],
    [null, {}],
    ['a\0/make', {}],
    ['true', { label: 5 }],
    ['true', { weight: '2' }],
    ['true', { priority: '1' }],
  ]
  for (const [command, options] of wrong) {
    await expect(pool.spawn(command as string, [], options)).rejects.toThrow(/must be|could not be started/)
  }
  expect(await pool.status()).toMatchObject({ free: 1, waiters: [] })
  expect(await pool.close()).toEqual({ missing: 0, extra: 0 })
})

describe('who waits for a slot', () => {
  test('ends by its timeout, by its signal, or by the end of the pool', async () => {
    useState()
    const pool = await createPool({ slots: 1 })
    const first = await pool.spawn('sleep', ['30'], quiet)
    await expect(pool.spawn('true', [], { timeout: 30 })).rejects.toMatchObject({ code: 'ERR_JOBSLOT_TIMEOUT' })
    const reason = new Error('enough')
    await expect(pool.spawn('true', [], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const late = new AbortController()
    const aborted = pool.spawn('true', [], { signal: late.signal })
    const closed = pool.spawn('true')
    await sleep(20)
    expect((await pool.status()).waiters).toHaveLength(2)
    late.abort(reason)
    await expect(aborted).rejects.toBe(reason)
    expect(await pool.close()).toEqual({ missing: 1, extra: 0 })
    await expect(closed).rejects.toMatchObject({ code: 'ERR_JOBSLOT_CLOSED' })
    first.kill()
    await first.exited
  })

  test('is served when the one before has ended', async () => {
    useState()
    const pool = await createPool({ slots: 1 })
    const order: string[] = []
    const runs = ['a', 'b', 'c'].map(async (name) => {
      const member = await pool.spawn('sleep', ['0.1'], quiet)
      order.push(name)
      await member.exited
    })
    await Promise.all(runs)
    expect(order).toEqual(['a', 'b', 'c'])
    await pool.close()
  })
})

test('a pool that is open, and one that is closed, keep no process alive', async () => {
  useState()
  const script = `import(${JSON.stringify(libraryFile)}).then(async ({ createPool }) => {
    const pool = await createPool({ slots: 3 })
    const slot = await pool.acquire()
    console.log('taken', pool.tryAcquire() !== null, typeof slot.release)
  })`
  const result = await run([process.execPath, '-e', script], { env: { JOBSLOT_DIR: process.env.JOBSLOT_DIR } })
  expect(result).toMatchObject({ code: 0, stdout: 'taken true function\n', stderr: '' })
})
