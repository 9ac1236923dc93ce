import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { LockState } from '../../src/lock.ts'
import { newState, type State } from '../real/state.ts'
import { cli } from '../support/cli.ts'
import { run, start, tempDir, waitFor } from '../support/processes.ts'

const words = (...more: string[]) => [...cli, ...more]

/** Starts a command that holds the lock until it is killed. */
async function holder(state: State, ...options: string[]) {
  const running = start(words('lock', 'it', ...options, '--', 'sleep', '60'), { env: state.env })
  await waitFor(async () => (await list(state)).some(({ holders }) => holders.length > 0))
  return running
}

async function list(state: State, ...options: string[]): Promise<LockState[]> {
  const { stdout, stderr, code } = await run(words('locks', '--json', ...options), { env: state.env })
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
  return JSON.parse(stdout) as LockState[]
}

describe('jobslot lock', () => {
  test('keeps others out while the command runs, and leaves nothing behind', async () => {
    const state = newState()
    const log = join(tempDir(), 'log')
    const script = `echo begin >> ${log}; sleep 0.05; echo end >> ${log}`
    const all = Array.from({ length: 6 }, () => run(words('lock', 'it', 'sh', '-c', script), { env: state.env }))
    for (const result of await Promise.all(all)) expect(result).toMatchObject({ code: 0, stdout: '', stderr: '' })
    const { stdout } = await run(['cat', log])
    expect(stdout).toBe('begin\nend\n'.repeat(6))
    expect(state.left()).toEqual([])
  })

  test('--shared lets those in who share, and nobody else', async () => {
    const state = newState()
    await holder(state, '-s')
    expect(await run(words('lock', '-s', 'it', '-n', 'true'), { env: state.env })).toMatchObject({ code: 0 })
    expect(await run(words('lock', 'it', '-n', 'true'), { env: state.env })).toMatchObject({ code: 75 })
  })

  test.for<[string, string[], number]>([
    ['--no-wait', ['-n'], 75],
    ['--timeout 0', ['-w', '0'], 75],
    ['a timeout', ['-w', '100ms'], 75],
    ['another status', ['-n', '-E', '3'], 3],
  ])('gives up: %s', async ([, options, status]) => {
    const state = newState()
    const { pid } = await holder(state)
    const { code, stdout, stderr } = await run(words('lock', 'it', ...options, '--', 'echo', 'in'), { env: state.env })
    expect({ code, stdout }).toEqual({ code: status, stdout: '' })
    expect(stderr).toMatch(
      new RegExp(`^jobslot: no lock it within [0-9.]+ ms, held by process ${pid} \\(sleep 60\\): see jobslot locks\n$`),
    )
  })

  test('says once what it waits for', async () => {
    const state = newState()
    const first = await holder(state, '--label', 'the first')
    const second = start(words('lock', 'it', 'true'), { env: state.env })
    await waitFor(() => second.stderr() !== '')
    expect(second.stderr()).toBe(
      `jobslot: waiting for lock it, held by process ${first.pid} (the first): see jobslot locks\n`,
    )
    process.kill(first.pid, 'SIGTERM')
    expect(await second.result).toMatchObject({ code: 0 })
  })

  test('killed, it holds on until its command has ended; the next is told', async () => {
    const state = newState()
    const first = start(words('lock', 'it', 'sh', '-c', 'echo $$; exec sleep 60'), { env: state.env })
    await waitFor(async () => (await list(state)).length > 0)
    first.child.kill('SIGKILL')
    await new Promise((resolve) => first.child.once('exit', resolve))
    expect(await list(state)).toMatchObject([{ name: 'it', holders: [{ pid: first.pid }], abandoned: [] }])
    expect((await run(words('locks'), { env: state.env })).stdout).toMatch(/^it +held by its command /m)
    expect((await run(words('lock', 'it', '-n', 'true'), { env: state.env })).stderr).toMatch(
      /, which has ended while its command runs on: see/,
    )
    const next = start(words('lock', 'it', 'true'), { env: state.env })
    await waitFor(async () => (await list(state))[0]?.waiters.length === 1)
    process.kill(-first.pid, 'SIGKILL')
    const { code, stderr } = await next.result
    expect(code).toBe(0)
    expect(stderr).toMatch(
      new RegExp(`process ${first.pid} \\(sh -c .*\\) ended without releasing lock it, .*may be half done\n$`),
    )
    expect(await list(state)).toEqual([])
    expect(state.left()).toEqual([])
  })

  test('what its command leaves running does not keep the lock', async () => {
    const state = newState()
    const marker = join(tempDir(), 'marker')
    const first = await run(words('lock', 'it', 'sh', '-c', `sleep 60 >/dev/null 2>&1 & echo $! > ${marker}`), {
      env: state.env,
    })
    expect(first).toMatchObject({ code: 0 })
    expect(await run(words('lock', 'it', '-n', 'true'), { env: state.env })).toMatchObject({ code: 0, stderr: '' })
    // Nor does it keep those awake who come later: the next holder's death is heard of.
    const second = await holder(state)
    const third = start(words('lock', 'it', 'true'), { env: state.env })
    await waitFor(async () => (await list(state))[0]?.waiters.length === 1)
    process.kill(-second.pid, 'SIGKILL')
    expect(await third.result).toMatchObject({ code: 0 })
    await run(['sh', '-c', `kill $(cat ${marker})`])
  })

  test('is let go of by the signal that ends it, holding or waiting', async () => {
    const state = newState()
    const first = await holder(state)
    const second = start(words('lock', 'it', 'echo', 'in'), { env: state.env })
    await waitFor(async () => (await list(state))[0]?.waiters.length === 1)
    process.kill(second.pid, 'SIGINT')
    expect(await second.result).toMatchObject({ code: null, signal: 'SIGINT', stdout: '' })
    process.kill(first.pid, 'SIGTERM')
    expect(await first.result).toMatchObject({ code: null, signal: 'SIGTERM' })
    expect(state.left()).toEqual([])
  })

  test.for<[string, string[], RegExp]>([
    ['no name', ['lock'], /lock: no name of a lock was given: jobslot lock NAME -- CMD: see jobslot lock --help/],
    ['no name before --', ['lock', '--', 'echo', 'x'], /lock: no name of a lock was given/],
    ['an empty name', ['lock', '', 'true'], /lock: no name of a lock was given/],
    ['no command', ['lock', 'it'], /lock: no command was given to run under the lock it: see/],
    ['an unknown option', ['lock', 'it', '--nonsense', 'true'], /unknown option --nonsense: see jobslot lock --help/],
    ['both ways to wait', ['lock', 'it', '-n', '-w', '1', 'true'], /--no-wait and --timeout exclude each other/],
    ['no time', ['lock', 'it', '-w', 'soon', 'true'], /--timeout takes a time such as/],
    ['words behind locks', ['locks', 'it'], /locks: what is meant by "it"/],
  ])('64: %s', async ([, args, message]) => {
    const { code, stderr } = await run(words(...args))
    expect(code).toBe(64)
    expect(stderr).toMatch(message)
  })

  test('69: a folder that is not there', async () => {
    const dir = join(tempDir(), 'none')
    for (const args of [
      ['lock', 'it', '--dir', dir, 'true'],
      ['locks', '--dir', dir],
    ]) {
      const { code, stderr } = await run(words(...args))
      expect({ code, stderr }).toMatchObject({
        code: 69,
        stderr: expect.stringMatching(`locks cannot be kept in ${dir}: `),
      })
    }
  })

  test('69: a file of that name that is no lock', async () => {
    const dir = tempDir()
    writeFileSync(join(dir, 'it'), 'precious')
    const { code, stderr } = await run(words('lock', 'it', '--dir', dir, 'true'))
    expect({ code, stderr }).toEqual({
      code: 69,
      stderr: `jobslot: ${dir}/it holds something else than a lock: lock a file of its own, for instance ${dir}/it.lock\n`,
    })
    expect((await run(['cat', join(dir, 'it')])).stdout).toBe('precious')
    expect(readdirSync(dir)).toEqual(['it'])
  })
})

describe('jobslot locks', () => {
  test('shows text of others as text', async () => {
    const state = newState()
    await holder(state, '--label', 'a\u001b]0;title\u0007\r\nb')
    const { stdout } = await run(words('locks'), { env: state.env })
    expect(stdout).toContain('a\\u001b]0;title\\u0007\\r\\nb')
    const { stderr } = await run(words('lock', 'it', '-n', 'true'), { env: state.env })
    expect(stderr).toContain('(a\\u001b]0;title\\u0007\\r\\nb)')
  })

  test('has a table for people', async () => {
    const state = newState()
    expect(await run(words('locks'), { env: state.env })).toMatchObject({ code: 0, stdout: 'no lock is held\n' })
    const first = await holder(state, '--label', 'the first')
    const second = start(words('lock', 'it', '-s', 'true'), { env: state.env })
    await waitFor(async () => (await list(state))[0]?.waiters.length === 1)
    const { stdout } = await run(words('locks'), { env: state.env })
    expect(stdout.replace(/ +/g, ' ').replace(/\d+s/g, 'Ns')).toBe(
      `LOCK IS BY FOR LABEL\nit held ${first.pid} Ns the first\nit wanted, shared ${second.pid} Ns true\n`,
    )
  })

  test('--dir: those of a folder', async () => {
    const state = newState()
    const dir = tempDir()
    mkdirSync(join(dir, 'other'))
    const running = start(words('lock', 'a/b c', '--dir', dir, 'sleep', '60'), { env: state.env })
    await waitFor(async () => (await list(state, '--dir', dir)).length > 0)
    expect(await list(state, '--dir', dir)).toEqual([
      {
        name: 'a/b c',
        holders: [{ pid: running.pid, label: 'sleep 60', since: expect.any(Number), shared: false }],
        waiters: [],
        abandoned: [],
      },
    ])
    expect(await list(state)).toEqual([])
  })
})
