import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { cli } from '../../support/cli.ts'
import { makeReadOnly, requireDisk } from '../../support/disk.ts'
import { run, tempDir } from '../../support/processes.ts'
import { jobs, linesOf } from './jobs.ts'

describe('job add', () => {
  test.for<[string, unknown]>([
    ['{"file":"a.txt"}', { file: 'a.txt' }],
    ['"text"', 'text'],
    ['null', null],
    ['[1, 2]', [1, 2]],
    ['"ä – 🎈"', 'ä – 🎈'],
  ])('queues %s, and prints its number', async ([text, request]) => {
    const { job, inStore } = jobs()
    expect(await job(['add', text])).toEqual({ code: 0, signal: null, stdout: '1\n', stderr: '' })
    expect(await job(['add', text])).toMatchObject({ code: 0, stdout: '2\n' })
    expect(await inStore((store) => store.get(2))).toMatchObject({ request, state: 'pending' })
  })

  test('queues what stdin has', async () => {
    const { job, inStore } = jobs()
    const request = { long: 'x'.repeat(300_000) }
    expect(await job(['add', '-'], { input: JSON.stringify(request, null, 2) })).toMatchObject({
      code: 0,
      stdout: '1\n',
    })
    expect((await inStore((store) => store.get(1)))?.request).toEqual(request)
  })

  test('queues a command with its folder, and where its log is to lie', async () => {
    const { job, inStore } = jobs()
    const cwd = tempDir()
    mkdirSync(join(cwd, 'out'))
    await job(['add', '--log', 'out/log', '--', 'make', '--dir', '-j4', ''], { cwd })
    expect((await inStore((store) => store.get(1)))?.request).toEqual({
      cmd: ['make', '--dir', '-j4', ''],
      cwd,
      log: join(cwd, 'out/log'),
    })
  })

  test('has the options of a job, before and behind its request', async () => {
    const { job, inStore } = jobs()
    await job(['add', '1'])
    await job(['add', '1'])
    const words = ['--priority', '-2', '--after', '1,2', '"x"', '--after', '1', '--key', 'k', '--delay', '1h']
    const before = Date.now()
    expect(await job(['add', ...words])).toMatchObject({ code: 0, stdout: '3\n' })
    const found = await inStore((store) => store.get(3))
    expect(found).toMatchObject({ state: 'delayed', priority: -2, after: [1, 2], key: 'k', request: 'x' })
    expect(found!.runAt! - before).toBeGreaterThanOrEqual(3_600_000)
    expect(found!.runAt! - before).toBeLessThan(3_660_000)
  })

  test('writes what the store is to know of it', async () => {
    const { job, dir } = jobs()
    await job(['add', '1'])
    const words = [
      '--attempts',
      '5',
      '--losses',
      '3',
      '--backoff',
      '10s',
      '--ttl',
      '2m',
      '--timeout',
      '500ms',
      '--keep',
      '7d',
    ]
    await job(['add', '2', ...words, '--at', '2030-01-31T17:30Z'])
    const [, , line = ''] = readFileSync(join(dir, 'journal-0000000001'), 'utf8').split('\n')
    expect(JSON.parse(line.slice(9))).toMatchObject({
      attempts: 5,
      losses: 3,
      backoff: [10_000, 2, 60_000],
      ttl: 120_000,
      timeout: 500,
      retention: 7 * 86_400_000,
      runAt: Date.UTC(2030, 0, 31, 17, 30),
    })
  })

  test.for([
    ['2030-01-31T18:30', new Date(2030, 0, 31, 18, 30)],
    ['2030-01-31 18:30:15', new Date(2030, 0, 31, 18, 30, 15)],
    ['2030-01-31', new Date(2030, 0, 31)],
    ['2030-01-31T18:30+02:00', new Date('2030-01-31T16:30Z')],
  ] as const)('--at %s', async ([text, time]) => {
    const { job, inStore } = jobs()
    await job(['add', '1', '--at', text], { env: { TZ: process.env.TZ } })
    expect((await inStore((store) => store.get(1)))?.runAt).toBe(time.getTime())
  })

  test('a key that an unfinished job has adds nothing', async () => {
    const { job, inStore } = jobs()
    await job(['add', '1', '--key', 'k'])
    const again = await job(['add', '2', '--key', 'k'])
    expect(again).toMatchObject({ code: 0, stdout: '1\n' })
    expect(again.stderr).toBe('jobslot: nothing was added: job 1 has this key, and has not finished\n')
    await inStore((store) => store.fulfill(1))
    expect(await job(['add', '3', '--key', 'k'])).toMatchObject({ stdout: '3\n', stderr: '' })
  })

  test('after a job that is none is an error', async () => {
    const { job } = jobs()
    await job(['add', '1'])
    expect(await job(['add', '1', '--after', '7'])).toMatchObject({
      code: 69,
      stdout: '',
      stderr: 'jobslot: there is no job 7: it never was, was removed, or its time to be kept is over\n',
    })
  })

  test.for<[string, string[], string | RegExp]>([
    ['no request', ['add'], /what is to be done\? .*jobslot job add --help\n$/],
    [
      'a word',
      ['add', 'make'],
      /"make" is no JSON \(.*\): quote JSON .* a command goes behind --, as in job add -- make/,
    ],
    ['JSON that the shell has taken apart', ['add', '{file:', 'a}'], /takes one request, and these are 2 words: quote/],
    ['a request and a command', ['add', '1', '--', 'make'], /takes a request or a command, not both/],
    ['no command', ['add', '--'], /no command was given behind --/],
    ['a log without a command', ['add', '1', '--log', 'x'], /--log goes with a command/],
    ['two times', ['add', '1', '--delay', '1s', '--at', '2030-01-01T00:00'], /--delay and --at exclude each other/],
    ['no time', ['add', '1', '--at', 'tomorrow'], /--at takes a time such as 2030-01-31T18:30/],
    ['no duration', ['add', '1', '--delay', 'soon'], /--delay takes a time such as 500ms/],
    ['an endless time', ['add', '1', '--keep', '99999999d'], /--keep takes at most 36500d/],
    ['no number', ['add', '1', '--attempts', '0'], /--attempts takes a whole number from 1/],
    ['no priority', ['add', '1', '--priority', 'high'], /--priority takes a whole number/],
    ['no id', ['add', '1', '--after', 'x'], /--after: a job is named by its number, such as 7, not "x"/],
    ['no key', ['add', '1', '--key', ''], /--key is empty/],
    ['no folder', ['add', '1', '--dir', ''], /--dir has an empty name/],
    ['no such option', ['add', '1', '--prio', '3'], /job add: unknown option --prio; was --priority meant\? See/],
    [
      'an option of a command',
      ['add', 'make', '-j4'],
      /job add: unknown option -j; a command stands behind --: jobslot job add -- make -j4: see/,
    ],
    [
      'no such option before --',
      ['add', '--prio', '3', '--', 'make'],
      /job add: unknown option --prio; was --priority meant\? See/,
    ],
    [
      'quotes of another language',
      ['add', "{'a':1}"],
      /"{'a':1}" is no JSON \(.*in JSON at.*; job add - < FILE queues/,
    ],
    ['a day that is none', ['add', '1', '--at', '2030-02-31T18:30'], /job add: --at takes a time .*not "2030-02-31T/],
    ['no time for a run', ['add', '1', '--timeout', '0'], /--timeout takes a time above 0, .*leave --timeout out/],
    ['no time to start', ['add', '1', '--ttl', '0ms'], /--ttl takes a time above 0, .*leave --ttl out/],
    ['no folder for its log', ['add', '--log', '/nowhere/x', '--', 'make'], /there is no folder \/nowhere: make it/],
    ['a unit that is none', ['add', '1', '--delay', '1w'], /job add: --delay takes a time such as .* 1h or 7d/],
  ])('%s is wrong use, and makes no store', async ([, words, message]) => {
    const { job, dir } = jobs()
    const { code, stdout, stderr } = await job(words)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/(?:: see|\? See) jobslot job add --help\n$/)
    expect(() => statSync(dir)).toThrow('ENOENT')
  })

  test.for<[string, string, RegExp]>([
    ['no JSON', '{', /what stdin has is no JSON/],
    ['nothing', '', /what stdin has is no JSON/],
  ])('on stdin %s is wrong use', async ([, input, message]) => {
    const { job } = jobs()
    const { code, stderr } = await job(['add', '-'], { input })
    expect(code).toBe(64)
    expect(stderr).toMatch(message)
  })

  test('of a request that is too long says so', async () => {
    const { job } = jobs()
    const long = await job(['add', '-'], { input: JSON.stringify('x'.repeat(17 * 1024 * 1024)) })
    expect(long).toMatchObject({ code: 69, stdout: '' })
    expect(long.stderr).toMatch(/a request has \d+ characters, and may have \d+: write it into a file/)
    const endless = await run(['sh', '-c', `yes | ${cli.join(' ')} job add -`], { env: { JOBSLOT_STORE: '/nowhere' } })
    expect(endless.stderr).toMatch(/stdin has more than a request may/)
  })

  test('whose reader has gone has added its job all the same', async () => {
    const { job, dir, inStore } = jobs()
    const shell = (end: string) =>
      run(['bash', '-c', `${cli.join(' ')} job add 1 ${end}; echo \${PIPESTATUS[0]} >&2`], {
        env: { JOBSLOT_STORE: dir },
      })
    await job(['add', '1'])
    expect(await shell('| true')).toMatchObject({ stderr: '0\n' })
    expect(await shell('> /dev/full')).toMatchObject({
      stderr: 'jobslot: job 3 was added, but its number could not be written (ENOSPC)\n0\n',
    })
    expect(await inStore((store) => store.stats())).toMatchObject({ pending: 3 })
  })
})

describe('the store', () => {
  test('is in the home folder where none is named, for this user alone', async () => {
    const home = tempDir()
    const env = { HOME: home, JOBSLOT_STORE: undefined }
    const { job } = jobs()
    expect(await job(['add', '1'], { env })).toMatchObject({ code: 0, stdout: '1\n', stderr: '' })
    const dir = join(home, '.local/state/jobslot')
    expect(statSync(dir).mode & 0o777).toBe(0o700)
    expect(statSync(join(dir, 'journal-0000000001')).mode & 0o777).toBe(0o600)
    expect(await job(['list', '--json'], { env })).toMatchObject({ code: 0, stderr: '' })
  })

  test('of no home says what to do', async () => {
    const { job } = jobs()
    const { code, stderr } = await job(['add', '1'], { env: { HOME: '/proc/nobody', JOBSLOT_STORE: undefined } })
    expect(code).toBe(69)
    expect(stderr).toBe(
      'jobslot: the job store /proc/nobody/.local/state/jobslot cannot be made (ENOENT): ' +
        'name another folder by --dir or JOBSLOT_STORE\n',
    )
  })

  test('that --dir names goes before that of the environment', async () => {
    const { job, dir } = jobs()
    const other = join(tempDir(), 'other')
    await job(['add', '1', '--dir', other])
    expect(() => statSync(dir)).toThrow('ENOENT')
    expect(await job(['list', '--dir', other, '--json']).then(({ stdout }) => linesOf(stdout))).toMatchObject([
      { id: 1 },
    ])
  })

  test.for<[string, (dir: string) => void, RegExp]>([
    ['a file', (dir) => writeFileSync(dir, ''), /cannot be used: it is no folder/],
    [
      'of a newer format',
      (dir) => {
        mkdirSync(dir)
        const header = '{"n":0,"format":2,"segment":1,"from":0}'
        writeFileSync(join(dir, 'journal-0000000001'), `${crc32(header).toString(16).padStart(8, '0')} ${header}\n`)
      },
      /cannot be used: it has format 2, and this version of jobslot knows 1/,
    ],
  ])('that is %s is refused', async ([, make, message]) => {
    const { job, dir } = jobs()
    make(dir)
    const { code, stdout, stderr } = await job(['add', '1'])
    expect({ code, stdout }).toEqual({ code: 69, stdout: '' })
    expect(stderr).toMatch(message)
  })

  test('is not made in a folder that is not there', async () => {
    const { job } = jobs()
    const { code, stderr } = await job(['add', '1', '--dir', join(tempDir(), 'no', 'store')])
    expect(code).toBe(69)
    expect(stderr).toMatch(/the folder in which it is to be made is not there/)
  })
})

describe('a disk', () => {
  test('that is full is told, and adding goes on when it has room', async (ctx) => {
    const disk = requireDisk(ctx, 512 * 1024)
    const { job, inStore } = jobs(join(disk, 'store'))
    expect(await job(['add', '"first"'])).toMatchObject({ code: 0 })
    const filler = join(disk, 'filler')
    writeFileSync(filler, Buffer.alloc(300 * 1024))
    const input = JSON.stringify('x'.repeat(300 * 1024))
    const refused = await job(['add', '-'], { input })
    expect(refused).toMatchObject({ code: 69, stdout: '' })
    expect(refused.stderr).toMatch(
      /^jobslot: the job store .* cannot be written or read \(ENOSPC\): make room and try again/,
    )
    rmSync(filler)
    expect(await job(['add', '-'], { input })).toMatchObject({ code: 0, stdout: '2\n' })
    expect(await inStore((store) => store.verify())).toMatchObject({ ok: true, jobs: 2 })
  })

  test('that cannot be written is told', async (ctx) => {
    const disk = requireDisk(ctx, 512 * 1024)
    const { job } = jobs(join(disk, 'store'))
    await job(['add', '1'])
    makeReadOnly(disk)
    for (const words of [['add', '2'], ['list'], ['pause'], ['remove', '1']]) {
      const { code, stdout, stderr } = await job(words)
      expect({ code, stdout }).toEqual({ code: 69, stdout: '' })
      expect(stderr).toMatch(/^jobslot: the job store .* \(EROFS\): this user needs the right to write into the folder/)
    }
  })
})

test('job add loads no more of Node than it has to', async () => {
  const { job } = jobs()
  await job(['add', '1'])
  const spy = join(tempDir(), 'spy.cjs')
  // What `node -r` itself has loaded is there before.
  const text = `const before = new Set(process.moduleLoadList)
    process.on('exit', () => console.error(process.moduleLoadList.filter((name) => !before.has(name)).join('\\n')))`
  writeFileSync(spy, text)
  const { code, stderr } = await job(['add', '--priority', '1', '2'], { env: { NODE_OPTIONS: `-r ${spy}` } })
  expect(code).toBe(0)
  // Each of them takes one to four milliseconds, beside the forty of a Node.
  expect(stderr).toMatch(/ internal\/util\/parse_args/)
  expect(stderr).not.toMatch(/ (crypto|fs\/promises|perf_hooks|stream|zlib|child_process|net|internal\/streams\/.*)$/m)
})

test('many processes that add at once lose nothing, and make the store once', { timeout: 60_000 }, async () => {
  const { job, inStore, dir } = jobs()
  const count = 12
  const added = await Promise.all(
    Array.from({ length: count }, (_, i) => job(['add', ...(i % 3 === 0 ? ['--key', `${i}`] : []), `${i}`])),
  )
  expect(added.map(({ code, stderr }) => ({ code, stderr }))).toEqual(added.map(() => ({ code: 0, stderr: '' })))
  const ids = added.map(({ stdout }) => Number(stdout))
  expect(new Set(ids).size).toBe(count)
  const { jobs: found } = await inStore((store) => store.list())
  expect(found.map(({ id, request }) => [id, request]).sort()).toEqual(ids.map((id, i) => [id, i]).sort())
  expect(readdirSync(dir).filter((name) => name.startsWith('new-'))).toEqual([])
  expect(await inStore((store) => store.verify())).toMatchObject({ ok: true })
})

test('one key of many processes is one job', { timeout: 60_000 }, async () => {
  const { job, inStore } = jobs()
  const added = await Promise.all(Array.from({ length: 6 }, (_, i) => job(['add', '--key', 'k', `${i}`])))
  expect(new Set(added.map(({ stdout }) => stdout)).size).toBe(1)
  expect(await inStore((store) => store.stats())).toMatchObject({ pending: 1 })
})
