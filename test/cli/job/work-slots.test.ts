import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { available } from '../../../src/fd.ts'
import { named } from '../../broker/named.ts'
import { newState } from '../../real/state.ts'
import { cli } from '../../support/cli.ts'
import { compiled } from '../../support/compile.ts'
import { distinctTokens, fifoJobserver, sortedHex } from '../../support/jobserver.ts'
import { run, waitFor } from '../../support/processes.ts'
import { peak, readSpans } from '../../support/spans.ts'
import { requireTool } from '../../support/tools.ts'
import { makes, writeMakefile, writeMeeting } from '../recipes.ts'
import { type Working, working } from './working.ts'

/** A job that records when it ran; with `meet` none of them ends before that many have run at once. */
const record = ({ cwd }: Working, { ms = 100, meet }: { ms?: number; meet?: number } = {}) =>
  `cd ${cwd} && exec ${compiled('job')} spans ${ms} job${meet ? ` sh meet.sh ${meet}` : ''}`
const spansOf = ({ cwd }: Working) => readSpans(join(cwd, 'spans'))

describe('how many jobs run at once', { timeout: 60_000 }, () => {
  test('--slots 2: two, never more', async () => {
    const w = await working()
    writeMeeting(w.cwd)
    for (let i = 0; i < 8; i++) await w.script(record(w, { meet: 2 }))
    expect(await w.work(['--slots', '2', '--drain'])).toMatchObject({ code: 0, stderr: '' })
    expect(spansOf(w).length).toBe(8)
    expect(peak(spansOf(w))).toBe(2)
  })

  test('without a limit: as many as the pool default has slots', async () => {
    const n = named()
    const host = await n.connect('default', { slots: 3 })
    const w = await working({ env: n.env })
    writeMeeting(w.cwd)
    for (let i = 0; i < 8; i++) await w.script(record(w, { meet: 3 }))
    expect(await w.work(['--drain'])).toMatchObject({ code: 0, stderr: '' })
    expect(peak(spansOf(w))).toBe(3)
    expect(await host.status()).toMatchObject({ free: 3, members: [] })
  })

  test('--pool: its slots, beside all others in it; jobs show in its status', async () => {
    const n = named()
    const host = await n.connect('ci', { slots: 3 })
    const w = await working({ env: n.env })
    writeMeeting(w.cwd)
    for (let i = 0; i < 4; i++) await w.script(record(w, { meet: 2 }))
    const other = run([...cli, 'acquire', '--pool', 'ci', '--', 'sleep', '1.5'], { env: { ...w.env } })
    await waitFor(async () => (await host.status()).members.length === 1, 10_000)
    const result = w.work(['--pool', 'ci', '--drain'])
    await waitFor(async () => (await host.status()).members.filter(({ kind }) => kind === 'job').length === 2, 10_000)
    expect((await host.status()).members.find(({ kind }) => kind === 'job')?.label).toBe('job of store')
    expect(await result).toMatchObject({ code: 0, stderr: '' })
    expect(await other).toMatchObject({ code: 0 })
    await waitFor(async () => (await host.status()).free === 3)
  })

  test('--slots within JOBSLOT_POOL: no more than either has', async () => {
    const n = named()
    const host = await n.connect('ci', { slots: 2 })
    const w = await working({ env: { ...n.env, JOBSLOT_POOL: 'ci' } })
    writeMeeting(w.cwd)
    for (let i = 0; i < 6; i++) await w.script(record(w, { meet: 2 }))
    expect(await w.work(['--slots', '4', '--drain'])).toMatchObject({ code: 0, stderr: '' })
    expect(peak(spansOf(w))).toBe(2)
    await waitFor(async () => (await host.status()).free === 2)
  })

  test('within a member of the pool: in the slots of that member', async () => {
    const n = named()
    const host = await n.connect('ci', { slots: 1 })
    const w = await working({ env: n.env })
    const id = await w.script(record(w))
    const words = [
      ...cli,
      'run',
      '--pool',
      'ci',
      '--',
      ...cli,
      'job',
      'work',
      '--pool',
      'ci',
      '--drain',
      '--dir',
      w.dir,
    ]
    expect(await run(words, { env: w.env })).toMatchObject({ code: 0, stderr: '' })
    expect((await w.store.get(id))?.state).toBe('fulfilled')
    await waitFor(async () => (await host.status()).free === 1)
  })

  test.for([
    [['run', '-j3', '--'], 3],
    [['acquire', '--'], 1],
    [['acquire', '-c', '2', '--'], 2],
  ] as const)('under jobslot %j: %i', async ([words, most]) => {
    const n = named()
    const host = await n.connect('default', { slots: 4 })
    const w = await working({ env: n.env })
    writeMeeting(w.cwd)
    for (let i = 0; i < 6; i++) await w.script(record(w, { meet: most }))
    const argv = [...cli, ...words, ...cli, 'job', 'work', '--drain', '--dir', w.dir]
    expect(await run(argv, { env: w.env })).toMatchObject({ code: 0, stderr: '' })
    expect(peak(spansOf(w))).toBe(most)
    await waitFor(async () => (await host.status()).free === 4)
  })

  test.for([...makes])(
    'in a recipe of $name: make’s slots, together with its own jobs',
    async ({ tool, style }, ctx) => {
      const make = requireTool(tool, ctx)
      const w = await working()
      writeMeeting(w.cwd)
      for (let i = 0; i < 6; i++) await w.script(record(w, { meet: 3 }))
      const work = `+${cli.join(' ')} job work --drain --dir ${w.dir}`
      const own = `${compiled('job')} spans 200 own`
      writeMakefile(w.cwd, [work, own, own, own])
      const words = [make, '-j3', ...(style === 'fifo' ? ['--jobserver-style=fifo'] : [])]
      const { code, stderr } = await run(words, { cwd: w.cwd, env: w.env, timeout: 50_000 })
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      expect(spansOf(w).length).toBe(9)
      expect(peak(spansOf(w))).toBe(3)
    },
  )

  test('in a recipe without +, or under -j1: one', async (ctx) => {
    const make = requireTool('make43', ctx)
    const w = await working()
    for (let i = 0; i < 3; i++) await w.script(record(w))
    writeMakefile(w.cwd, [`${cli.join(' ')} job work --drain --dir ${w.dir}`])
    const { code, stderr } = await run([make, '-j3'], { cwd: w.cwd, env: w.env })
    expect(code).toBe(0)
    expect(stderr).toMatch(/goes on with one slot/)
    expect(spansOf(w).length).toBe(3)
    expect(peak(spansOf(w))).toBe(1)
  })
})

describe('while there is nothing to run', { timeout: 30_000 }, () => {
  test('no slot of a jobserver is held; all are back in the end', async () => {
    const jobserver = fifoJobserver(newState().env.JOBSLOT_DIR, distinctTokens(2))
    const w = await working({ env: { MAKEFLAGS: jobserver.makeflags } })
    writeMeeting(w.cwd)
    const { child, result } = w.start([])
    for (let i = 0; i < 6; i++) await w.script(record(w, { meet: 3 }))
    await waitFor(() => spansOf(w).filter(({ end }) => end !== null).length === 6, 15_000)
    await waitFor(async () => (await w.store.stats()).fulfilled === 6, 15_000)
    await waitFor(() => available(jobserver.readFd) === 2)
    // And again.
    const id = await w.script('true')
    await waitFor(async () => (await w.store.get(id))?.state === 'fulfilled', 10_000)
    await waitFor(() => available(jobserver.readFd) === 2)
    child.kill('SIGTERM')
    expect(await result).toMatchObject({ signal: 'SIGTERM', stderr: '' })
    expect(peak(spansOf(w))).toBe(3)
    expect(jobserver.drain()).toBe(sortedHex(distinctTokens(2)))
  })

  test('but by what a killed job has left behind, as long as that runs', async () => {
    const jobserver = fifoJobserver(newState().env.JOBSLOT_DIR, distinctTokens(2))
    const w = await working({ env: { MAKEFLAGS: jobserver.makeflags } })
    for (let i = 0; i < 2; i++) await w.script('sleep 2 & touch begun; kill -9 $$')
    const result = w.work(['--drain'])
    await waitFor(async () => (await w.store.stats()).failed === 2, 10_000)
    await sleep(300)
    expect(w.processes().length).toBeGreaterThan(0)
    // The third slot is the recipe's own.
    expect(available(jobserver.readFd)).toBe(1)
    expect(await result).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^jobslot: 2 jobs in .*2 failed .*\n$/),
    })
    expect(w.processes()).toEqual([])
    expect(jobserver.drain()).toBe(sortedHex(distinctTokens(2)))
  })

  test('no slot of a pool', async () => {
    const n = named()
    const host = await n.connect('ci', { slots: 1 })
    const w = await working({ env: n.env })
    const { child, result } = w.start(['--pool', 'ci'])
    const id = await w.script('true')
    await waitFor(async () => (await w.store.get(id))?.state === 'fulfilled', 10_000)
    await waitFor(async () => (await host.status()).free === 1)
    expect((await host.status()).members).toEqual([])
    child.kill('SIGTERM')
    await result
  })
})

describe('a job', { timeout: 30_000 }, () => {
  test('is not claimed before there is a slot for it', async () => {
    const n = named()
    await n.connect('ci', { slots: 1 })
    const w = await working({ env: n.env })
    const id = await w.script('true')
    const other = run([...cli, 'acquire', '--pool', 'ci', '--', 'sh', '-c', 'touch held; sleep 1.2'], {
      env: w.env,
      cwd: w.cwd,
    })
    await waitFor(() => existsSync(join(w.cwd, 'held')), 10_000)
    const result = w.work(['--pool', 'ci', '--drain'])
    await sleep(700)
    expect((await w.store.get(id))?.state).toBe('pending')
    expect(await other).toMatchObject({ code: 0 })
    expect(await result).toMatchObject({ code: 0 })
    expect(await w.store.get(id)).toMatchObject({ state: 'fulfilled', attempt: 1 })
  })

  test('that waits for a pool without slots says so', async () => {
    const n = named()
    const host = await n.connect('ci', { slots: 0 })
    const w = await working({ env: n.env })
    await w.script('true')
    const { result, stderr } = w.start(['--pool', 'ci', '--drain'])
    await waitFor(() => stderr() !== '', 15_000)
    expect(stderr()).toBe('jobslot: waiting for 1 slot of pool ci, which has none: see jobslot resize --pool ci N\n')
    await host.resize(1)
    expect(await result).toMatchObject({ code: 0 })
  })

  test('has a jobserver of its own: a make in it shares the slots', async (ctx) => {
    const make = requireTool('make43', ctx)
    const w = await working()
    writeMeeting(w.cwd)
    const own = `${compiled('job')} spans 50 own sh meet.sh 2`
    writeMakefile(w.cwd, [own, own, own, own])
    await w.script(`exec ${make}`)
    expect(await w.work(['--slots', '2', '--drain'])).toMatchObject({ code: 0 })
    expect(peak(spansOf(w))).toBe(2)
  })

  test('that waits for a slot when another takes it does not keep --drain waiting', async () => {
    const n = named()
    await n.connect('ci', { slots: 1 })
    const w = await working({ env: n.env })
    const id = await w.script('true')
    const other = run([...cli, 'acquire', '--pool', 'ci', '--', 'sh', '-c', 'touch held; sleep 20'], {
      env: w.env,
      cwd: w.cwd,
      timeout: 25_000,
    })
    other.catch(() => {})
    await waitFor(() => existsSync(join(w.cwd, 'held')), 10_000)
    const result = w.work(['--pool', 'ci', '--drain'], { timeout: 15_000 })
    await sleep(500)
    const pulled = await w.store.pullJob()
    await pulled?.fulfill('elsewhere')
    expect(await result).toMatchObject({ code: 0 })
    expect((await w.store.get(id))?.value?.toString()).toBe('elsewhere')
  })
})
