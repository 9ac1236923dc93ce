import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cli } from '../../support/cli.ts'
import { run, tempDir } from '../../support/processes.ts'
import { runInTerminal } from '../terminal.ts'
import { jobs, linesOf } from './jobs.ts'

/** A store with a job in each state, by number: what `make` has returned. */
async function oneOfEach() {
  const made = jobs()
  await made.inStore(async (store) => {
    await store.create({ cmd: ['make', '-j4', 'a b'], cwd: '/src' })
    await store.create({ file: 'a.txt' }, { attempts: 3 })
    await store.create('third')
    await store.create('fourth', { priority: 2, key: 'nightly' })
    await store.create('fifth', { after: [4] })
    await store.create('sixth', { delay: 3_600_000 })
    const [first, second] = [(await store.pullJob())!, (await store.pullJob())!]
    expect([first.id, second.id]).toEqual([4, 1])
    await second.fulfill('done\n')
    await store.fail(2, new Error('no such file\nat all'), { retry: false })
    await store.cancel(3)
    await first.release()
  })
  return made
}

describe('job list', () => {
  test('shows a job a line', async () => {
    const { job } = await oneOfEach()
    const { code, stdout, stderr } = await job(['list'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout
      .replaceAll(/\d+s\b/g, 'Ns')
      .replaceAll(/ +/g, ' ')
      .trimEnd()
      .split('\n')
    expect(lines).toEqual([
      'ID STATE FOR PRIORITY KEY NOTE WHAT',
      "1 fulfilled Ns make -j4 'a b'",
      '2 failed Ns no such file {"file":"a.txt"}',
      '3 cancelled Ns "third"',
      '4 pending Ns 2 nightly "fourth"',
      '5 delayed Ns after 4 "fifth"',
      expect.stringMatching(/^6 delayed Ns in (59mNs|1h0m) "sixth"$/),
    ])
  })

  test('--state shows those in these states', async () => {
    const { job } = await oneOfEach()
    const ids = async (...states: string[]) =>
      linesOf((await job(['list', '--json', ...states.flatMap((state) => ['--state', state])])).stdout).map(
        ({ id }) => id,
      )
    expect(await ids('failed')).toEqual([2])
    expect(await ids('pending,delayed')).toEqual([4, 5, 6])
    expect(await ids('fulfilled', 'cancelled')).toEqual([1, 3])
    expect(await job(['list', '--state', 'active'])).toMatchObject({ code: 0, stdout: 'no job is active\n' })
    expect(await job(['list', '--state', 'broken'])).toMatchObject({
      code: 64,
      stderr: expect.stringMatching(
        /--state takes delayed, .* or cancelled, not "broken": see jobslot job list --help\n$/,
      ),
    })
  })

  test('--json has what the library says, one job a line', async () => {
    const { job, inStore } = await oneOfEach()
    const { jobs: expected } = await inStore((store) => store.list())
    expect(linesOf((await job(['list', '--json'])).stdout)).toEqual(expected)
  })

  test('shows thousands, and stops when nobody reads any more', async () => {
    const { job, dir, inStore } = jobs()
    await inStore((store) => store.createMany(Array.from({ length: 2500 }, (_, i) => i)))
    const { stdout } = await job(['list', '--json'])
    expect(linesOf(stdout).map(({ id }) => id)).toEqual(Array.from({ length: 2500 }, (_, i) => i + 1))
    const table = await job(['list'])
    expect(table.stdout.match(/ pending /g)?.length).toBe(2500)
    expect(table.stdout.match(/^ID/gm)?.length).toBe(1)
    const head = `${cli.join(' ')} job list | head -1; echo \${PIPESTATUS[0]} >&2`
    expect(await run(['bash', '-c', head], { env: { JOBSLOT_STORE: dir } })).toMatchObject({ stderr: '0\n' })
    const full = await run(['bash', '-c', `${cli.join(' ')} job list >/dev/full`], { env: { JOBSLOT_STORE: dir } })
    expect(full).toMatchObject({ code: 69, stderr: 'jobslot: the output cannot be written (ENOSPC)\n' })
  })

  test('lets nobody write to the terminal but itself', async () => {
    const { job, inStore } = jobs()
    const bad = '\u001b[2J\nnew line'
    await inStore(async (store) => {
      await store.create({ cmd: ['echo', bad], cwd: bad }, { key: bad })
      await store.create(bad)
      await store.fail(1, new Error(bad))
      await store.fulfill(2, bad)
    })
    for (const words of [['list'], ['show', '1'], ['show', '2'], ['wait', '1']]) {
      const { stdout, stderr } = await job(words)
      expect(stdout + stderr).not.toContain('\u001b')
      expect(stdout + stderr).toContain('\\u001b[2J')
    }
  })

  test('is bold at its head on a terminal, and no wider', async (ctx) => {
    const { dir, inStore } = jobs()
    await inStore((store) => store.create('x'.repeat(1000)))
    const words = [...cli, 'job', 'list']
    const { stdout } = await runInTerminal(
      words,
      { env: { JOBSLOT_STORE: dir, TERM: 'xterm', NO_COLOR: undefined } },
      ctx,
    )
    expect(stdout.startsWith('\u001b[1mID  STATE')).toBe(true)
    const [, row = ''] = stdout.split('\r\n')
    expect(row).toMatch(/^1 +pending .*x…$/)
    expect(row.length).toBeLessThanOrEqual(80)
    const plain = await runInTerminal(words, { env: { JOBSLOT_STORE: dir, NO_COLOR: '1' } }, ctx)
    expect(plain.stdout).toMatch(/^ID {2}STATE/)
  })
})

describe('job show', () => {
  test('says all of a job', async () => {
    const { job } = await oneOfEach()
    const first = (await job(['show', '1'])).stdout
    expect(first).toMatch(
      /^job 1: fulfilled\ncommand: +make -j4 'a b'\nfolder: +\/src\ncreated: +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(\d+s ago\)\n/,
    )
    expect(first).toMatch(/\nruns: +1\nvalue:\n {2}done\n$/)
    expect((await job(['show', '2'])).stdout).toMatch(
      /^job 2: failed\nrequest: +{"file":"a.txt"}\n[\s\S]*error:\n {2}Error: no such file\n {2}at all\n/,
    )
    expect((await job(['show', '5'])).stdout).toMatch(/\nafter: +4\n/)
    expect((await job(['show', '6'])).stdout).toMatch(/\nnot before: +\S+ \S+ \(in (59m\d+s|1h0m)\)\n/)
  })

  test('--json has the value as text, and bytes as base64', async () => {
    const { job, inStore } = jobs()
    await inStore(async (store) => {
      await store.createMany([1, 2, 3])
      await store.fulfill(1, 'ä\n')
      await store.fulfill(2, Buffer.from([0xff, 0xfe]))
    })
    const show = async (id: number) => JSON.parse((await job(['show', `${id}`, '--json'])).stdout)
    expect(await show(1)).toMatchObject({ id: 1, state: 'fulfilled', value: 'ä\n' })
    expect(await show(2)).toMatchObject({ id: 2, value: null, base64: '//4=' })
    expect(await show(3)).toMatchObject({ id: 3, state: 'pending', value: null })
    expect((await job(['show', '2'])).stdout).toMatch(/\nvalue: 2 bytes that are no text\n$/)
  })
})

describe('job stats', () => {
  test('counts jobs by their states', async () => {
    const { job, dir, inStore } = await oneOfEach()
    expect((await job(['stats'])).stdout).toBe(
      `${dir}\n  delayed    2\n  pending    1\n  active     0\n  fulfilled  1\n  failed     1\n  cancelled  1\n0 workers hold a job\n`,
    )
    expect(JSON.parse((await job(['stats', '--json'])).stdout)).toEqual(await inStore((store) => store.stats()))
  })
})

describe('a number that is none', () => {
  const commands = ['show', 'wait', 'cancel', 'retry', 'remove', 'log']

  test.for(commands)('job %s tells of a job that is not there', async (command) => {
    const { job } = jobs()
    await job(['add', '1'])
    expect(await job([command, '7'])).toEqual({
      code: 69,
      signal: null,
      stdout: '',
      stderr: 'jobslot: there is no job 7: it never was, was removed, or its time to be kept is over\n',
    })
  })

  test.for(commands)('job %s wants a number', async (command) => {
    const { job } = jobs()
    await job(['add', '1'])
    expect(await job([command])).toMatchObject({
      code: 64,
      stderr: `jobslot: job ${command}: which job? jobslot job list shows their numbers: see jobslot job ${command} --help\n`,
    })
    for (const word of ['x', '0', '1.5', '99999999999999999']) {
      expect(await job([command, word])).toMatchObject({
        code: 64,
        stderr: expect.stringContaining(`a job is named by its number, such as 7, not "${word}"`),
      })
    }
  })
})

describe('a store that is not there', () => {
  const commands = ['list', 'show 1', 'wait 1', 'cancel 1', 'retry 1', 'remove 1', 'log 1', 'pause', 'resume', 'stats']

  test.for([...commands, 'verify', 'compact'])('is not made by job %s', async (words) => {
    const dir = join(tempDir(), 'typo')
    const { job } = jobs(dir)
    expect(await job(words.split(' '))).toEqual({
      code: 69,
      signal: null,
      stdout: '',
      stderr: `jobslot: there is no job store in ${dir}: jobslot job add makes one; --dir DIR and JOBSLOT_STORE name another folder\n`,
    })
    expect(existsSync(dir)).toBe(false)
  })

  test('is told from a folder without one', async () => {
    const dir = tempDir()
    const { job } = jobs()
    const { code, stderr } = await job(['list', '--dir', dir])
    expect({ code, stderr }).toEqual({
      code: 69,
      stderr: `jobslot: there is no job store in ${dir}: jobslot job add makes one, with --dir\n`,
    })
  })
})
