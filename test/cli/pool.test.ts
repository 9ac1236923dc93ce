import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { readProcess } from '../../src/proc.ts'
import { shell } from '../pool/commands.ts'
import { cli } from '../support/cli.ts'
import { tempDir, waitFor } from '../support/processes.ts'
import { withoutWaiting } from './recipes.ts'

const jobslot = cli.join(' ')

/** Holds a slot of the pool until the file is there. */
const untilFile = (file: string) => ['sh', '-c', `until [ -e ${file} ]; do sleep 0.05; done`]

describe('a wait for a pool', () => {
  test.for<[string[], string]>([
    [['acquire', '--pool', 'my ci', '-c', '2', '--', 'true'], '2 slots'],
    [['run', '--pool', 'my ci', '--', 'true'], '1 slot'],
  ])('of %j is told of after 2 s, once', async ([words, wanted]) => {
    const sh = await shell(2, 'my ci')
    const file = join(tempDir(), 'end')
    const holder = sh.start([...cli, 'acquire', '--pool', 'my ci', '-c', '2', ...untilFile(file)])
    await waitFor(async () => (await sh.status()).free === 0)
    const waiting = sh.start([...cli, ...words])
    await waitFor(async () => (await sh.status()).waiters.length === 1)
    await new Promise((resolve) => setTimeout(resolve, 4500))
    writeFileSync(file, '')
    expect(await waiting.result).toEqual({
      ...{ code: 0, signal: null, stdout: '' },
      stderr: `jobslot: waiting for ${wanted} of pool my ci (2 of 2 held): see jobslot status --pool 'my ci'\n`,
    })
    await holder.result
  })

  test('ends with 75, or what -E says, in time, or at once', async () => {
    const sh = await shell(1)
    const file = join(tempDir(), 'end')
    const holder = sh.start([...cli, 'acquire', '--pool', 'ci', ...untilFile(file)])
    await waitFor(async () => (await sh.status()).free === 0)
    const timed = await sh.jobslot('acquire', '--pool', 'ci', '-w', '200ms', 'true')
    expect(timed).toMatchObject({ code: 75, stderr: 'jobslot: no 1 slot of pool ci within 0.2 s\n' })
    for (const words of [['-n'], ['-w', '0'], ['-n', '-E', '3']]) {
      const { code, stderr } = await sh.jobslot('acquire', '--pool', 'ci', ...words, 'true')
      expect(code).toBe(words.includes('-E') ? 3 : 75)
      expect(stderr).toBe('jobslot: no 1 slot of pool ci to be had at this moment\n')
    }
    expect(await sh.status()).toMatchObject({ waiters: [], free: 0 })
    writeFileSync(file, '')
    await holder.result
    expect(await sh.jobslot('acquire', '--pool', 'ci', '-n', 'true')).toMatchObject({ code: 0, stderr: '' })
  })

  test.for(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)('is ended by %s, and the line goes on', async (signal) => {
    const sh = await shell(1)
    const file = join(tempDir(), 'end')
    const holder = sh.start([...cli, 'acquire', '--pool', 'ci', ...untilFile(file)])
    await waitFor(async () => (await sh.status()).free === 0)
    const waiting = sh.start([...cli, 'run', '--pool', 'ci', 'true'])
    const next = sh.start([...cli, 'acquire', '--pool', 'ci', 'echo', 'next'])
    await waitFor(async () => (await sh.status()).waiters.length === 2)
    waiting.child.kill(signal)
    expect(await waiting.result).toMatchObject({ signal })
    await waitFor(async () => (await sh.status()).waiters.length === 1)
    writeFileSync(file, '')
    expect(await next.result).toMatchObject({ code: 0, stdout: 'next\n' })
    await holder.result
  })

  test('by priority, then by age', async () => {
    const sh = await shell(1)
    const [dir, file] = [tempDir(), join(tempDir(), 'end')]
    const holder = sh.start([...cli, 'acquire', '--pool', 'ci', ...untilFile(file)])
    await waitFor(async () => (await sh.status()).free === 0)
    const waiting = []
    for (const [name, priority] of [
      ['low', -1],
      ['first', 0],
      ['second', 0],
      ['high', 2],
    ] as const) {
      const script = `echo ${name} >> ${dir}/order`
      waiting.push(sh.start([...cli, 'acquire', '--pool', 'ci', '--priority', String(priority), 'sh', '-c', script]))
      await waitFor(async () => (await sh.status()).waiters.length === waiting.length)
    }
    writeFileSync(file, '')
    await Promise.all([holder, ...waiting].map(({ result }) => result))
    const order = await sh.start(['cat', join(dir, 'order')]).result
    expect(order.stdout).toBe('high\nfirst\nsecond\nlow\n')
  })
})

describe('a command in a pool', () => {
  test('is told of its slots, and where it is', async () => {
    const sh = await shell(6)
    const script = 'echo "$JOBSLOT_POOL|$MAKEFLAGS|$JOBSLOT_SLOTS"'
    const told = async (...words: string[]) => (await sh.jobslot(...words, '--', 'sh', '-c', script)).stdout.trim()
    expect(await told('run', '--pool', 'ci', '--style=pipe')).toMatch(/^ci\| -j6 --jobserver-fds=20,21 .*\|$/)
    expect(await told('run', '--pool', 'ci', '--max', '4', '--style=fifo')).toMatch(
      /^ci\| -j4 --jobserver-auth=fifo:\S+\|$/,
    )
    expect(await told('acquire', '--pool', 'ci')).toBe('ci||1')
    expect(await told('acquire', '--pool', 'ci', '-c', '4..9')).toMatch(/^ci\| -j6 --jobserver-\S+.*\|6$/)
    expect(await sh.status()).toMatchObject({ free: 6, members: [], overReturned: 0, reclaimed: 0 })
  })

  test('is shown with what was said of it', async () => {
    const sh = await shell(3)
    const words = ['--label', 'it', '--priority', '-3', '--weight', '2.5', '--max', '2']
    const { stdout } = await sh.jobslot(
      'run',
      '--pool',
      'ci',
      ...words,
      '--',
      ...cli,
      'status',
      '--pool',
      'ci',
      '--json',
    )
    expect(JSON.parse(stdout).members).toMatchObject([{ label: 'it', kind: 'run', priority: -3, weight: 2.5, max: 2 }])
  })

  test('where JOBSLOT_POOL names it: run -j is what it may have of it', async () => {
    const sh = await shell(3)
    const inPool = { env: { JOBSLOT_POOL: 'ci' } }
    const status = [...cli, 'status', '--pool', 'ci', '--json']
    const run = await sh.start([...cli, 'run', '-j2', '--', ...status], inPool).result
    expect(JSON.parse(run.stdout)).toMatchObject({ members: [{ kind: 'run', base: 1, max: 2 }] })
    const acquire = await sh.start([...cli, 'acquire', '-c', '2', '--', ...status], inPool).result
    expect(JSON.parse(acquire.stdout)).toMatchObject({ free: 1, members: [{ kind: 'acquire' }] })
    expect(JSON.parse((await sh.start([...cli, 'status', '--json'], inPool).result).stdout)).toMatchObject({
      pool: 'ci',
    })
  })

  test('that has no member any more, though its environment says so, joins anew', async () => {
    const sh = await shell(2)
    const late = join(tempDir(), 'late')
    // What a member leaves behind has its variables.
    const daemon = `until [ -e ${late} ]; do sleep 0.05; done; ${jobslot} acquire --pool ci sh -c '${jobslot} status --pool ci --json > ${late}.json'`
    const words = ['run', '--pool', 'ci', '--', 'sh', '-c', `setsid sh -c "${daemon}" >/dev/null 2>&1 </dev/null &`]
    expect(await sh.jobslot(...words)).toMatchObject({ code: 0, stderr: '' })
    await waitFor(async () => (await sh.status()).free === 2)
    writeFileSync(late, '')
    await waitFor(async () => existsSync(`${late}.json`) && (await sh.status()).free === 2, 10_000)
    const { stdout } = await sh.start(['cat', `${late}.json`]).result
    expect(JSON.parse(stdout)).toMatchObject({ free: 1, members: [{ kind: 'acquire', base: 1 }] })
  })

  test('ends with its status or signal', async () => {
    const sh = await shell(2)
    for (const how of [
      ['run', '--pool', 'ci'],
      ['acquire', '--pool', 'ci'],
      ['acquire', '--pool', 'ci', '-c2'],
    ]) {
      expect(await sh.jobslot(...how, '--', 'sh', '-c', 'exit 7')).toMatchObject({ code: 7, stderr: '' })
      expect(await sh.jobslot(...how, '--', 'sh', '-c', 'kill -9 $$')).toMatchObject({ signal: 'SIGKILL', stderr: '' })
      expect(await sh.jobslot(...how, '--', '/no/such/command')).toMatchObject({ code: 127 })
      expect(await sh.jobslot(...how, '--', '/etc/passwd')).toMatchObject({ code: 126 })
    }
    expect(await sh.status()).toMatchObject({ free: 2, members: [] })
  })

  test('whose tokens are missing, or too many, is told of it', async () => {
    const sh = await shell(4)
    const take = 'dd bs=1 count=2 status=none if=/dev/fd/20 of=/dev/null'
    const run = (script: string) => sh.jobslot('run', '--pool', 'ci', '--style=pipe', '--', 'sh', '-c', script)
    const missing = '2 tokens were not given back: a client was killed, or still runs in the background'
    expect((await run(take)).stderr).toBe(`jobslot: ${missing}\n`)
    const extra = '1 token was given back that nobody had taken: a client does not keep the protocol'
    expect((await run('printf + >/dev/fd/21')).stderr).toBe(`jobslot: ${extra}\n`)
    expect(await sh.status()).toMatchObject({ free: 4, overReturned: 1, reclaimed: 2 })
  })
})

test('more slots than a pool has are wrong use, at once', async () => {
  const sh = await shell(3)
  const { code, stderr } = await sh.jobslot('acquire', '--pool', 'ci', '-c', '4', 'true')
  expect(code).toBe(64)
  expect(stderr).toMatch(
    /^jobslot: acquire: 4 slots can never be had of pool ci, which has 3: ask for at most 3: see .*\n$/,
  )
})

test('a pool of any name', async () => {
  const names = ['ä€😀', 'a/b', '../x', '--', ' ', 'A', 'a', '%', 'x'.repeat(300), "it's; rm -rf $HOME"]
  for (const name of names) {
    const sh = await shell(1, name)
    const { code, stdout, stderr } = await sh.jobslot(
      'acquire',
      `--pool=${name}`,
      '--',
      ...cli,
      'status',
      `--pool=${name}`,
      '--json',
    )
    expect({ code, stderr: withoutWaiting(stderr) }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ pool: name, slots: 1, free: 0 })
  }
})

test('the governor of a pool is set by whoever says so', async () => {
  const sh = await shell(3)
  await sh.quietly([...cli, 'run', '--pool', 'ci', '--max-load', '1000', 'true'])
  expect(await sh.status()).toMatchObject({ governor: { limits: { maxLoad: 1000 }, reason: null }, effective: 3 })
  const governed = sh.start([...cli, 'run', '--pool', 'ci', '--min-memory', '900000G', 'sleep', '30'])
  await waitFor(async () => (await sh.status()).effective === 1, 10_000)
  expect((await sh.jobslot('status', '--pool', 'ci')).stdout).toMatch(
    /^pool ci: 1 of 3 slots, 0 free: .* of memory available, at least .*\n/,
  )
  governed.child.kill()
  await governed.result
})

describe('a broker that is stopped', () => {
  test('holds up no command that has ended, beyond a signal', async () => {
    const sh = await shell(1)
    const file = join(tempDir(), 'end')
    const running = sh.start([...cli, 'run', '--pool', 'ci', ...untilFile(file)])
    await waitFor(async () => (await sh.status()).members.some(({ kind }) => kind === 'run'))
    const [broker] = sh.brokers()
    process.kill(broker!, 'SIGSTOP')
    try {
      writeFileSync(file, '')
      await sleep(1000)
      expect(readProcess(running.pid)?.ended).toBe(false)
      process.kill(running.pid, 'SIGTERM')
      expect(await running.result).toMatchObject({ code: 0, stderr: '' })
    } finally {
      process.kill(broker!, 'SIGCONT')
    }
    await waitFor(async () => (await sh.status()).free === 1)
  })
})

test('a pool that nobody uses can be removed; one in use is told of and stays', async () => {
  const sh = await shell(3, 'a typo')
  const remove = () => sh.start([...cli, 'remove', '--pool', 'a typo']).result
  const all = async () =>
    JSON.parse((await sh.start([...cli, 'status', '--all', '--json']).result).stdout).map(
      ({ pool, slots }: { pool: string; slots: number }) => [pool, slots],
    )
  const file = join(tempDir(), 'end')
  const holder = sh.start([...cli, 'acquire', '--pool', 'a typo', ...untilFile(file)])
  await waitFor(async () => (await sh.status()).members.length === 1)
  expect(await remove()).toMatchObject({
    code: 69,
    stderr: expect.stringMatching(/^jobslot: pool a typo is in use: jobslot status --pool 'a typo' shows by whom/),
  })
  expect(await all()).toEqual([['a typo', 3]])
  writeFileSync(file, '')
  await holder.result
  await sh.host.close()
  await waitFor(async () => (await remove()).code === 0, 20_000)
  expect(await all()).toEqual([])
  expect(await remove()).toMatchObject({
    code: 69,
    stderr: 'jobslot: there is no pool a typo: jobslot status shows all\n',
  })
})
