import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { named } from '../../broker/named.ts'
import { cli } from '../../support/cli.ts'
import { compiled } from '../../support/compile.ts'
import { waitFor } from '../../support/processes.ts'
import { peak, readSpans } from '../../support/spans.ts'
import { runInTerminal } from '../terminal.ts'
import { type Working, working } from './working.ts'

/** Says that it runs, in the file `begun`, once for each line. */
const begin = 'echo $$ >> begun'
const lines = (file: string): string[] => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [])
const begun = ({ cwd }: Working, count = 1) =>
  waitFor(() => lines(join(cwd, 'begun')).length >= count, 15_000, `${count} runs have begun`)

describe('a job that is cancelled while it runs', { timeout: 30_000 }, () => {
  test('gets TERM, with all that it has started', async () => {
    const w = await working()
    const id = await w.script(`trap 'echo ended > ended; exit 0' TERM; sleep 25 & ${begin}; wait`)
    // In the slot that is free when the last of it has ended.
    const other = await w.script('sleep 0.1')
    const result = w.work(['--slots', '1', '--drain', '--json'])
    await begun(w)
    await w.store.cancel(id)
    const { code, stdout } = await result
    expect(code).toBe(1)
    // Which of the two is told first is a matter of time.
    expect(stdout).toMatch(new RegExp(`^{"id":${id},"state":"cancelled","attempt":1,"ms":\\d+,"error":".*"}$`, 'm'))
    expect(existsSync(join(w.cwd, 'ended'))).toBe(true)
    expect(w.processes()).toEqual([])
    expect((await w.store.get(id))?.state).toBe('cancelled')
    expect((await w.store.get(other))?.state).toBe('fulfilled')
  })

  test('holds its slot until all that it has started has ended', async () => {
    const w = await working()
    const record = `${compiled('job')} spans`
    const id = await w.script(`sh -c "trap '' TERM; ${record} 1000 left; exec ${record} 0 left" & ${begin}; wait`)
    await w.script(`exec ${record} 0 other`)
    const result = w.work(['--slots', '1', '--drain'])
    await begun(w)
    await waitFor(() => readSpans(join(w.cwd, 'spans')).length === 1)
    await w.store.cancel(id)
    expect((await result).code).toBe(1)
    expect(readSpans(join(w.cwd, 'spans')).map(({ label }) => label)).toEqual(['left', 'left', 'other'])
  })

  test('gets KILL after the grace that the cancel names', async () => {
    const w = await working()
    const id = await w.script(`trap '' TERM; ${begin}; while :; do sleep 0.1; done`)
    const result = w.work(['--slots', '1', '--drain', '--grace', '1h'])
    await begun(w)
    const from = performance.now()
    await w.store.cancel(id, 'enough', { grace: 500 })
    expect((await result).code).toBe(1)
    expect(performance.now() - from).toBeGreaterThan(450)
    expect(w.processes()).toEqual([])
  })

  test('gets KILL after the worker’s own grace, where the cancel names none', async () => {
    const w = await working()
    const id = await w.script(`trap '' TERM; ${begin}; while :; do sleep 0.1; done`)
    const result = w.work(['--slots', '1', '--drain', '--grace', '300ms'])
    await begun(w)
    await w.store.cancel(id)
    expect((await result).code).toBe(1)
    expect(w.processes()).toEqual([])
  })

  test('is ended too when it is removed', async () => {
    const w = await working()
    const id = await w.script(`${begin}; sleep 25`)
    const result = w.work(['--slots', '1', '--drain'])
    await begun(w)
    await w.store.remove(id)
    await result
    expect(w.processes()).toEqual([])
  })
})

describe('a signal', { timeout: 30_000 }, () => {
  test.for(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    '%s: no more jobs are taken, those that run go on',
    async (signal) => {
      const w = await working()
      const first = await w.script(`${begin}; sleep 1`)
      const second = await w.script('true')
      const { child, result } = w.start(['--slots', '1'])
      await begun(w)
      child.kill(signal)
      const { code, signal: by, stderr } = await result
      expect({ code, by }).toEqual({ code: null, by: signal })
      expect(stderr).toBe(
        `jobslot: takes no more jobs, and ends after the 1 job that runs; another ${signal} ends it\n`,
      )
      expect((await w.store.get(first))?.state).toBe('fulfilled')
      expect((await w.store.get(second))?.state).toBe('pending')
    },
  )

  test('a second one ends those that run, which are free for others', async () => {
    const w = await working()
    const id = await w.script(`trap 'echo ended > ended; exit 0' TERM; sleep 25 & ${begin}; wait`)
    const { child, result, stderr } = w.start(['--slots', '1'])
    await begun(w)
    child.kill('SIGTERM')
    await waitFor(() => stderr().includes('takes no more jobs'))
    child.kill('SIGTERM')
    expect(await result).toMatchObject({ code: null, signal: 'SIGTERM' })
    expect(existsSync(join(w.cwd, 'ended'))).toBe(true)
    expect(w.processes()).toEqual([])
    expect(await w.store.get(id)).toMatchObject({ state: 'pending', attempt: 1, failures: 0 })
  })

  test('a third one does not wait for the grace', async () => {
    const w = await working()
    const id = await w.script(`trap '' TERM; ${begin}; while :; do sleep 0.1; done`)
    const { child, result, stderr } = w.start(['--slots', '1', '--grace', '1h'])
    await begun(w)
    child.kill('SIGTERM')
    await waitFor(() => stderr().includes('takes no more jobs'))
    child.kill('SIGTERM')
    await sleep(300)
    expect(w.processes().length).toBeGreaterThan(0)
    child.kill('SIGTERM')
    expect(await result).toMatchObject({ code: null, signal: 'SIGTERM' })
    expect(w.processes()).toEqual([])
    expect(await w.store.get(id)).toMatchObject({ state: 'pending' })
  })

  test('Ctrl-C in a terminal does not reach the jobs; progress and a summary are shown there', async (ctx) => {
    const w = await working()
    const id = await w.script(`${begin}; sleep 1; echo out`)
    const words = [...cli, 'job', 'work', '--dir', w.dir, '--slots', '1']
    const { stdout, stderr } = await runInTerminal(
      words,
      { at: '1 running', keys: '\x03', env: w.env, cwd: w.cwd },
      ctx,
    )
    expect(stderr).toBe('ended by 2')
    expect(stdout).toContain('0 done, 0 failed, 1 running, 0 waiting')
    expect(stdout).toContain('takes no more jobs')
    expect(stdout).toMatch(/1 job in \d+s: 1 fulfilled/)
    expect((await w.store.get(id))?.value?.toString()).toBe('out\n')
  })
})

describe('a worker that is killed in mid-job', { timeout: 40_000 }, () => {
  test('another runs the job, when what the first has left is ended, and in its slot', async () => {
    const n = named()
    const host = await n.connect('ci', { slots: 1 })
    const w = await working({ env: n.env })
    const record = `${compiled('job')} ${join(w.cwd, 'spans')}`
    // The first run does not mind TERM.
    const script = `${begin}; [ "$JOBSLOT_ATTEMPT" = 1 ] || exec ${record} 50 again; trap '' TERM; exec ${record} 25000 first`
    const id = await w.script(script)
    const first = w.start(['--pool', 'ci'])
    await begun(w)
    const second = w.start(['--pool', 'ci', '--drain', '--grace', '500ms'])
    await sleep(500)
    process.kill(first.pid, 'SIGKILL')
    expect(await second.result).toMatchObject({ code: 0 })
    expect(await w.store.get(id)).toMatchObject({ state: 'fulfilled', attempt: 2, lost: 1, failures: 0 })
    expect(w.processes()).toEqual([])
    const spans = readSpans(join(w.cwd, 'spans'))
    expect(spans.map(({ label }) => label)).toEqual(['first', 'again'])
    await waitFor(async () => (await host.status()).free === 1)
    expect((await host.status()).members).toEqual([])
  })

  test('also where nobody waits for a slot: a slot is free, and the job is not run beside what is left', async () => {
    const w = await working()
    const record = `${compiled('job')} ${join(w.cwd, 'spans')}`
    // What is left of a run outlives its main process, and is gone a while after TERM.
    const left = `sh -c 'trap "" TERM; ${record} 25000 first'`
    const alive = 'grep -qs "^State:.[^ZX]" /proc/$(cut -d " " -f 3 spans)/status'
    const look = `if ${alive}; then echo beside; else echo after; fi`
    const id = await w.script(`[ "$JOBSLOT_ATTEMPT" = 1 ] || { ${look}; exit; }; ${left} & wait`)
    const first = w.start(['--slots', '4'])
    await waitFor(() => readSpans(join(w.cwd, 'spans')).length === 1, 10_000)
    process.kill(first.pid, 'SIGKILL')
    expect(await w.work(['--slots', '4', '--drain', '--grace', '300ms'])).toMatchObject({ code: 0 })
    expect((await w.store.get(id))?.value?.toString()).toBe('after\n')
  })

  test('what it was fulfilled with by a run before is not touched: a daemon of a fulfilled job goes on', async () => {
    const w = await working()
    await w.script(`sleep 25 & ${begin}`)
    expect(await w.work(['--slots', '1', '--drain'])).toMatchObject({ code: 0 })
    await w.script('true', { attempts: 2 })
    expect(await w.work(['--slots', '1', '--drain'])).toMatchObject({ code: 0 })
    expect(w.processes().length).toBe(1)
  })

  test('a request’s file that it has left is removed', async () => {
    const w = await working()
    const id = await w.script(`${begin}; exec sleep 25`)
    const first = w.start(['--slots', '1'])
    await begun(w)
    process.kill(first.pid, 'SIGKILL')
    await first.result
    const file = join(w.dir, 'requests', `${id}.json`)
    expect(existsSync(file)).toBe(true)
    await w.store.cancel(id)
    expect(await w.work(['--drain'])).toMatchObject({ code: 0 })
    expect(existsSync(file)).toBe(false)
  })
})

test('a job that is tried again while its earlier run has its grace: one after the other', {
  timeout: 30_000,
}, async () => {
  const w = await working()
  const record = `${compiled('job')} ${join(w.cwd, 'spans')}`
  const id = await w.script(
    `[ "$JOBSLOT_ATTEMPT" = 1 ] || exec ${record} 50 again; trap '' TERM; ${record} 1200 first; ${record} 0 last`,
    { timeout: 500, attempts: 2, backoff: 10 },
  )
  expect(await w.work(['--slots', '4', '--drain'])).toMatchObject({ code: 0 })
  expect(await w.store.get(id)).toMatchObject({ state: 'fulfilled', attempt: 2 })
  const spans = readSpans(join(w.cwd, 'spans'))
  expect(spans.map(({ label }) => label)).toEqual(['first', 'last', 'again'])
  expect(peak(spans)).toBe(1)
})

test('a job that waits for what stands in the way of its start is given back at the first TERM', {
  timeout: 30_000,
}, async () => {
  const w = await working()
  // No request's file can be made.
  writeFileSync(join(w.dir, 'requests'), '')
  const id = await w.script(begin)
  const running = w.start(['--slots', '1'])
  await waitFor(() => running.stderr().includes('this waits until then'), 15_000)
  running.child.kill('SIGTERM')
  const { signal } = await running.result
  expect(signal).toBe('SIGTERM')
  expect(await w.store.get(id)).toMatchObject({ state: 'pending', failures: 0 })
  expect(existsSync(join(w.cwd, 'begun'))).toBe(false)
})
