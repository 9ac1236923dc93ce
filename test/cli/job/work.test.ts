import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cli } from '../../support/cli.ts'
import { requireDisk } from '../../support/disk.ts'
import { run, tempDir, waitFor } from '../../support/processes.ts'
import { working } from './working.ts'

const drain = ['--slots', '2', '--drain']

describe('a job that is a command', { timeout: 30_000 }, () => {
  test('runs in its folder, and is fulfilled with its stdout', async () => {
    const { store, script, work, log, cwd } = await working()
    const id = await script('pwd; echo not the value >&2')
    const result = await work(drain)
    expect(result).toMatchObject({ code: 0, stdout: '', stderr: '' })
    const job = await store.get(id)
    expect(job).toMatchObject({ state: 'fulfilled', attempt: 1 })
    expect(job?.value?.toString()).toBe(`${cwd}\n`)
    expect(log(id)).toMatch(/^--- attempt 1, \d{4}-\d\d-\d\dT[\d:.]+Z\n/)
    expect(log(id)).toContain('not the value')
    expect(log(id)).toContain(cwd)
  })

  test('gets its request, on stdin and in a file that is gone afterwards', async () => {
    const { store, script, work, dir } = await working()
    const text = 'cat; cat "$JOBSLOT_REQUEST"; echo "$JOBSLOT_JOB $JOBSLOT_ATTEMPT $JOBSLOT_STORE $JOBSLOT_REQUEST"'
    const id = await script(text)
    await work(drain)
    const job = await store.get(id)
    const request = `${JSON.stringify(job?.request)}\n`
    const file = join(dir, 'requests', `${id}.json`)
    expect(job?.value?.toString()).toBe(`${request}${request}${id} 1 ${dir} ${file}\n`)
    expect(readdirSync(join(dir, 'requests'))).toEqual([])
  })

  test('has the environment of the worker', async () => {
    const { store, script, work } = await working()
    const id = await script('echo "$COLOUR"')
    await work(drain, { env: { COLOUR: 'green' } })
    expect((await store.get(id))?.value?.toString()).toBe('green\n')
  })

  test('that names its log prints into that', async () => {
    const { store, work, dir, cwd } = await working()
    const file = join(cwd, 'own.log')
    writeFileSync(file, 'before, without a newline')
    const { id } = await store.create({ cmd: ['echo', 'out'], cwd, log: file })
    await work(drain)
    expect(readFileSync(file, 'utf8')).toMatch(/^before, without a newline\n--- attempt 1, .*\nout\n$/)
    expect(existsSync(join(dir, 'logs', `${id}.log`))).toBe(false)
  })

  test('that does not read a large request', async () => {
    const { store, work, cwd } = await working()
    const { id } = await store.create({ cmd: ['true'], cwd, more: 'x'.repeat(1_000_000) })
    expect(await work(drain)).toMatchObject({ code: 0 })
    expect((await store.get(id))?.state).toBe('fulfilled')
  })

  test('that prints bytes, and very many of them', async () => {
    const { store, script, work, log } = await working()
    const bytes = await script(String.raw`printf '\377\000\376'`)
    const many = await script('head -c 20000000 /dev/zero | tr "\\0" x; echo end')
    expect(await work(drain)).toMatchObject({ code: 0, stderr: '' })
    expect((await store.get(bytes))?.value).toEqual(Buffer.from([0xff, 0, 0xfe]))
    const value = (await store.get(many))?.value
    expect(value?.length).toBe(16 * 1024 * 1024)
    expect(value?.subarray(-5).toString()).toBe('xend\n')
    expect(log(many).length).toBeGreaterThan(20_000_000)
    expect(log(many).slice(-100)).toMatch(/the last 16777216 of 20000004 bytes/)
  })

  test('that leaves a daemon behind is over when it ends itself', async () => {
    const { store, script, work, processes } = await working()
    const id = await script('echo before; sleep 25 & echo after')
    expect(await work(drain, { timeout: 15_000 })).toMatchObject({ code: 0 })
    expect((await store.get(id))?.value?.toString()).toBe('before\nafter\n')
    expect(processes().length).toBe(1)
  })

  test.for([
    ['exit 3', 'exit status 3'],
    ['echo one >&2; echo two >&2; exit 4', 'exit status 4: one\ntwo'],
    ['kill -9 $$', 'ended by SIGKILL'],
    [
      'i=0; while [ $i -lt 50 ]; do echo line $i >&2; i=$((i + 1)); done; exit 1',
      /^exit status 1: line 40\n.*line 49$/s,
    ],
  ] as const)('that fails says how: %s', async ([text, error]) => {
    const { store, script, work } = await working()
    const id = await script(text)
    expect(await work(drain)).toMatchObject({ code: 1 })
    const job = await store.get(id)
    expect(job).toMatchObject({ state: 'failed', attempt: 1 })
    if (typeof error === 'string') expect(job?.error?.message).toBe(error)
    else expect(job?.error?.message).toMatch(error)
  })

  test('that cannot be started has failed, and its slot is free again', async () => {
    const { store, work, cwd } = await working()
    const none = await store.create({ cmd: ['no-such-command-here'], cwd })
    const line = await store.create({ cmd: ['echo hi | wc'], cwd })
    const folder = await store.create({ cmd: ['true'], cwd: join(cwd, 'gone') })
    const log = await store.create({ cmd: ['true'], cwd, log: join(cwd, 'gone/such.log') })
    const good = await store.create({ cmd: ['true'], cwd })
    expect(await work(['--slots', '1', '--drain'])).toMatchObject({ code: 1 })
    expect((await store.get(none.id))?.error?.message).toBe('no-such-command-here: there is no such command')
    expect((await store.get(line.id))?.error?.message).toBe(
      "echo hi | wc: there is no such command; a shell's line needs sh -c '…'",
    )
    expect((await store.get(folder.id))?.error?.message).toBe(`its folder ${join(cwd, 'gone')} is not there`)
    expect((await store.get(log.id))?.error?.message).toMatch(/^its log .*gone\/such.log cannot be written \(ENOENT\)$/)
    expect((await store.get(good.id))?.state).toBe('fulfilled')
  })

  test('is tried again after its backoff, as often as it may', async () => {
    const { store, script, work, log, cwd } = await working()
    const text = 'echo "try $JOBSLOT_ATTEMPT"; [ "$JOBSLOT_ATTEMPT" = 3 ]'
    const id = await script(text, { attempts: 3, backoff: { delay: 100, factor: 2 } })
    const began = performance.now()
    expect(await work([...drain, '--verbose'])).toMatchObject({ code: 0 })
    expect(performance.now() - began).toBeGreaterThan(300)
    expect(await store.get(id)).toMatchObject({ state: 'fulfilled', attempt: 3, failures: 2 })
    expect(log(id).match(/^(--- attempt \d|try \d)/gm)).toEqual(
      [1, 2, 3].flatMap((attempt) => [`--- attempt ${attempt}`, `try ${attempt}`]),
    )
    expect(cwd).not.toBe('')
  })

  test('that runs for longer than its timeout is ended', async () => {
    const { store, script, work, processes } = await working()
    const id = await script('sleep 25 & wait', { timeout: 300 })
    expect(await work(drain, { timeout: 15_000 })).toMatchObject({ code: 1 })
    expect(await store.get(id)).toMatchObject({ state: 'failed', error: { code: 'ERR_JOBSLOT_TIMEOUT' } })
    expect(processes()).toEqual([])
  })
})

describe('a job that is no command', { timeout: 30_000 }, () => {
  test('is given to the command behind --, in the folder of the worker', async () => {
    const { store, work, cwd } = await working()
    const { id } = await store.create({ mail: 'x@example.org' })
    const command = await store.create({ cmd: ['false'], cwd: '/' })
    expect(await work([...drain, '--', 'sh', '-c', 'cat; pwd'])).toMatchObject({ code: 0 })
    expect((await store.get(id))?.value?.toString()).toBe(`{"mail":"x@example.org"}\n${cwd}\n`)
    expect((await store.get(command.id))?.value?.toString()).toBe(`{"cmd":["false"],"cwd":"/"}\n${cwd}\n`)
  })

  test('is not taken where that command is not there', async () => {
    const { store, work } = await working()
    const { id } = await store.create('text')
    const { code, stderr } = await work([...drain, '--', 'no-such-command-here'])
    expect({ code, stderr }).toEqual({ code: 127, stderr: 'jobslot: no-such-command-here: command not found\n' })
    expect((await store.get(id))?.state).toBe('pending')
  })

  test('has failed for good where there is none', async () => {
    const { store, work } = await working()
    const { id } = await store.create('text', { attempts: 5 })
    expect(await work(drain)).toMatchObject({ code: 1 })
    const job = await store.get(id)
    expect(job).toMatchObject({ state: 'failed', attempt: 1 })
    expect(job?.error?.message).toMatch(/jobslot job work needs one/)
  })
})

describe('--drain', { timeout: 30_000 }, () => {
  test('ends at once with 0 where there is nothing', async () => {
    const { work } = await working()
    expect(await work(['--drain'])).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
  })

  test('waits for jobs that come later: after others, after their time, and by jobs', async () => {
    const { store, script, work } = await working()
    const first = await script('sleep 0.2')
    await script('true', { after: [first] })
    await script('true', { delay: 600 })
    expect(await work(drain)).toMatchObject({ code: 0 })
    expect(await store.stats()).toMatchObject({ fulfilled: 3, pending: 0, delayed: 0 })
  })

  test('says what it waits for, where that takes longer', async () => {
    const { script, work } = await working()
    await script('true', { delay: 4000 })
    expect(await work(drain)).toMatchObject({
      code: 0,
      stderr: 'jobslot: waiting for jobs that are delayed, or run elsewhere: see jobslot job list\n',
    })
  })

  test('waits for what another worker runs, which may come back', async () => {
    const { store, script, work } = await working()
    const id = await script('true')
    const pulled = await store.pullJob()
    const working2 = work(drain)
    await new Promise((resolve) => setTimeout(resolve, 500))
    await pulled?.release()
    expect(await working2).toMatchObject({ code: 0 })
    expect((await store.get(id))?.state).toBe('fulfilled')
  })

  test('does not wait for jobs that can never run', async () => {
    const { store, script, work } = await working()
    const first = await script('false')
    const second = await script('true', { after: [first] })
    const late = await script('true', { delay: 100_000, ttl: 400 })
    expect(await work(drain)).toMatchObject({ code: 1 })
    expect((await store.get(second))?.state).toBe('cancelled')
    expect((await store.get(late))?.state).toBe('failed')
  })

  test('ends where the store is paused, and says so', async () => {
    const { store, script, work } = await working()
    const id = await script('true')
    await store.pause()
    const { code, stderr } = await work(drain)
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'jobslot: the store is paused, with 1 job in it that waits: see jobslot job resume\n',
    })
    expect((await store.get(id))?.state).toBe('pending')
  })
})

describe('what it tells', { timeout: 30_000 }, () => {
  test('--json: each job that has ended', async () => {
    const { script, work } = await working()
    const good = await script('true')
    const bad = await script('echo why >&2; exit 2', { attempts: 2, backoff: 10 })
    const { stdout, code } = await work(['--slots', '1', '--drain', '--json'])
    expect(code).toBe(1)
    const lines = stdout.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { id: good, state: 'fulfilled', attempt: 1, ms: expect.any(Number), error: null },
      { id: bad, state: 'failed', attempt: 2, ms: expect.any(Number), error: 'exit status 2: why' },
    ])
  })

  test('--json to somebody who does not read it: the jobs go on', async () => {
    const { script, store, cwd, dir, env } = await working()
    for (let i = 0; i < 3; i++) await script('sleep 0.1')
    const words = `${cli.join(' ')} job work --dir ${dir} --slots 1 --drain --json | true; echo "\${PIPESTATUS[0]}"`
    expect(await run(['bash', '-c', words], { cwd, env })).toMatchObject({ stdout: '0\n', stderr: '' })
    expect(await store.stats()).toMatchObject({ fulfilled: 3 })
  })

  test('--verbose: each run, and a summary', async () => {
    const { script, work } = await working()
    const id = await script('echo why >&2; exit 2', { attempts: 2, backoff: 10 })
    const { stderr, stdout } = await work([...drain, '-v'])
    expect(stdout).toBe('')
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(
        new RegExp(`^jobslot: job ${id} ended, to be run again, after \\d+ ms: exit status 2: why$`),
      ),
      expect.stringMatching(new RegExp(`^jobslot: job ${id}, attempt 2, failed after \\d+ ms: exit status 2: why$`)),
      expect.stringMatching(
        new RegExp(`^jobslot: 1 job in \\d+s: 0 fulfilled, 1 failed \\(${id}: see jobslot job log\\)$`),
      ),
      '',
    ])
  })
})

describe('without --drain', { timeout: 30_000 }, () => {
  test('jobs that are added run, also those that fall due, until a signal', async () => {
    const { store, script, start } = await working()
    const { child, result } = start(['--slots', '2'])
    const first = await script('true')
    await waitFor(async () => (await store.get(first))?.state === 'fulfilled', 10_000)
    const later = await script('true', { delay: 300 })
    await waitFor(async () => (await store.get(later))?.state === 'fulfilled', 10_000)
    child.kill('SIGTERM')
    expect(await result).toEqual({ code: null, signal: 'SIGTERM', stdout: '', stderr: '' })
  })
})

test('a job that somebody else brings to its end while it runs is ended', { timeout: 30_000 }, async () => {
  const { store, script, work, processes, cwd } = await working()
  const id = await script('touch begun; sleep 25')
  const result = work(drain)
  await waitFor(() => existsSync(join(cwd, 'begun')), 10_000)
  await store.fulfill(id, 'by hand')
  expect(await result).toMatchObject({ code: 0 })
  expect((await store.get(id))?.value?.toString()).toBe('by hand')
  expect(processes()).toEqual([])
})

test('a full disk is told of, and work goes on when it has room', { timeout: 60_000 }, async (ctx) => {
  const disk = requireDisk(ctx, 1024 * 1024)
  const { store, script, start } = await working({ dir: join(disk, 'store') })
  // The disk is full when the result is to be told, and when the next job is to begin.
  const filler = join(disk, 'filler')
  const first = await script(
    `head -c 4000000 /dev/zero > ${filler} 2> /dev/null; head -c 100000 /dev/zero | tr '\\0' x`,
  )
  const second = await script('echo second')
  const running = start(['--slots', '1', '--drain'])
  await waitFor(() => running.stderr().split('this waits until then').length === 3, 20_000)
  expect((await store.get(first))?.state).toBe('active')
  rmSync(filler)
  expect(await running.result).toMatchObject({ code: 0 })
  expect((await store.get(first))?.value?.length).toBe(100_000)
  expect((await store.get(second))?.value?.toString()).toBe('second\n')
  expect(running.stderr()).toMatch(/^(jobslot: .*ENOSPC.*\n)+$/)
})

test('a folder that is no store, or another one’s, is told of', async () => {
  const { work } = await working()
  const folder = tempDir()
  writeFileSync(join(folder, 'file'), '')
  const { code, stderr } = await work(['--drain', '--dir', join(folder, 'file')])
  expect(code).toBe(69)
  expect(stderr).toMatch(/^jobslot: /)
})
