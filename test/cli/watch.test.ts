import { existsSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { shell } from '../pool/commands.ts'
import { newState } from '../real/state.ts'
import { cli } from '../support/cli.ts'
import { distinctTokens, fifoJobserver } from '../support/jobserver.ts'
import { run, start, tempDir, waitFor } from '../support/processes.ts'
import { runInTerminal } from './terminal.ts'

const ENTER = '\x1b[?1049h'
const LEAVE = '\x1b[?1049l'
const SHOW_CURSOR = '\x1b[?25h'
const WRAP = '\x1b[?7h'

describe('status --watch, not in a terminal', () => {
  test('prints a line for each change, and nothing for none', async () => {
    const sh = await shell(2)
    const watch = sh.start([...cli, 'status', '--pool', 'ci', '--watch'])
    let text = ''
    watch.child.stdout?.on('data', (more) => {
      text += more
    })
    await waitFor(() => text.includes('2 free'), 10_000)
    await sh.quietly([...cli, 'acquire', '--pool', 'ci', '--label', 'one', 'sleep', '1.5'])
    await waitFor(() => text.includes('left'), 10_000)
    await new Promise((resolve) => setTimeout(resolve, 1200))
    watch.child.kill('SIGINT')
    expect(await watch.result).toMatchObject({ signal: 'SIGINT', stderr: '' })
    const lines = text.trimEnd().split('\n')
    expect(
      lines.map((line) => line.replace(/^\d\d:\d\d:\d\d pool ci: /, '').replace(/\d+ \(one\)/, 'P (one)')),
    ).toEqual([
      '2 slots, 2 free, 0 members, 0 waiting',
      'joined: acquire process P (one)',
      '2 slots, 1 free, 1 member, 0 waiting',
      'left: process P (one)',
      '2 slots, 2 free, 0 members, 0 waiting',
    ])
  })

  test('with --json a value a line', async () => {
    const sh = await shell(2)
    const watch = sh.start([...cli, 'status', '--pool', 'ci', '--watch', '--json'])
    let text = ''
    watch.child.stdout?.on('data', (more) => {
      text += more
    })
    await waitFor(() => text.includes('\n'), 10_000)
    await sh.host.resize(3)
    await waitFor(() => text.includes('"slots":3'), 10_000)
    watch.child.kill()
    await watch.result
    const values = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(values.map(({ slots }) => slots)).toEqual([2, 3])
    expect(Object.keys(values[0]).sort()).toEqual(
      [...['pool', 'slots', 'effective', 'free', 'governor', 'members', 'waiters', 'overReturned', 'reclaimed']].sort(),
    )
  })

  test('ends when nobody reads', async () => {
    const sh = await shell(2)
    const script = `${cli.join(' ')} status --pool ci --watch | head -n 1`
    const { stdout, stderr, code } = await sh.start(['sh', '-c', script]).result
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('2 free')
  })

  test('of a plain jobserver', async () => {
    const jobserver = fifoJobserver(tempDir(), distinctTokens(2))
    const env = { ...newState().env, MAKEFLAGS: jobserver.makeflags }
    const watch = start([...cli, 'status', '--watch'], { env })
    let text = ''
    watch.child.stdout?.on('data', (more) => {
      text += more
    })
    await waitFor(() => text.includes('2 free'), 10_000)
    expect(jobserver.drain()).toHaveLength(4)
    await waitFor(() => text.includes('0 free'), 10_000)
    watch.child.kill()
    expect(await watch.result).toMatchObject({ signal: 'SIGTERM' })
    expect(text.trimEnd().split('\n')).toHaveLength(2)
  })
})

describe('status --watch, in a terminal', () => {
  test('is drawn anew, and Ctrl-C brings back what was there', async (ctx) => {
    const sh = await shell(2)
    const env = { ...sh.env, TERM: 'xterm' }
    const argv = [...cli, 'status', '--pool', 'ci', '--watch']
    const { stdout, stderr } = await runInTerminal(argv, { env, at: '2 free', keys: '\x03' }, ctx)
    expect(stderr).toBe('ended by 2')
    expect(stdout.indexOf(ENTER)).toBe(0)
    expect(stdout).toContain('\x1b[H\x1b[1mpool ci: 2 slots, 2 free')
    const end = stdout.slice(stdout.lastIndexOf('free'))
    for (const code of [WRAP, SHOW_CURSOR, LEAVE]) expect(end).toContain(code)
    expect(stdout.split(LEAVE)).toHaveLength(2)
  })

  test('shows what changes meanwhile', async (ctx) => {
    const sh = await shell(2)
    const env = { ...sh.env, TERM: 'xterm' }
    const running = sh.start([...cli, 'acquire', '--pool', 'ci', '--label', 'one', 'sleep', '60'])
    await waitFor(async () => (await sh.status()).members.length === 1, 10_000)
    const argv = [
      'sh',
      '-c',
      `(sleep 1; ${cli.join(' ')} resize --pool ci 5) & exec ${cli.join(' ')} status --pool ci --watch`,
    ]
    const { stdout } = await runInTerminal(argv, { env, at: '5 slots', keys: '\x03' }, ctx)
    expect(stdout).toContain('2 slots, 1 free')
    expect(stdout).toContain('5 slots, 4 free')
    expect(stdout).toContain('one')
    running.child.kill()
    await running.result
  })

  test('a dumb terminal gets lines', async (ctx) => {
    const sh = await shell(2)
    const env = { ...sh.env, TERM: 'dumb' }
    const argv = [...cli, 'status', '--pool', 'ci', '--watch']
    const { stdout, stderr } = await runInTerminal(argv, { env, at: '2 free', keys: '\x03' }, ctx)
    expect(stderr).toBe('ended by 2')
    expect(stdout).not.toContain('\x1b')
  })
})

describe('status', () => {
  test('of a jobserver', async () => {
    const { makeflags } = fifoJobserver(tempDir(), distinctTokens(2))
    const env = { ...newState().env, MAKEFLAGS: makeflags }
    const json = await run([...cli, 'status', '--json'], { env })
    expect(JSON.parse(json.stdout)).toEqual({ pool: null, slots: 3, free: 2, members: null, waiters: null })
    expect((await run([...cli, 'status'], { env })).stdout).toMatch(/^the jobserver .* \(3 slots\): 3 slots, 2 free; /)
  })

  test('of every pool starts no broker, and makes none', async () => {
    const state = newState()
    expect(await run([...cli, 'status'], state)).toMatchObject({
      code: 0,
      stdout: 'no pool has been made\n',
      stderr: '',
    })
    for (const [name, slots] of [
      ['b', 2],
      ['a b', 0],
    ]) {
      await run([...cli, 'resize', '--pool', String(name), String(slots)], state)
    }
    const text = 'pool a b: 0 slots, 0 free, nobody uses it\n\npool b: 2 slots, 2 free, nobody uses it\n'
    // To ask before they have ended would keep their brokers.
    await waitFor(() => readdirSync(`${state.env.JOBSLOT_DIR}/workers`).every((name) => !name.endsWith('.sock')))
    expect((await run([...cli, 'status'], state)).stdout).toBe(text)
    const asked = await run([...cli, 'status', '--pool', 'new', '--json'], state)
    expect(JSON.parse(asked.stdout)).toMatchObject({ pool: 'new', members: [], waiters: [], governor: null })
    const { stdout } = await run([...cli, 'status', '--pool', 'new'], state)
    expect(stdout).toMatch(/^pool new: nobody has made it; /)
    expect((await run([...cli, 'status'], state)).stdout).toBe(text)
    expect(existsSync(`${state.env.JOBSLOT_DIR}/workers`)).toBe(true)
  })
})

describe('resize', () => {
  test('is there for later, with the limits of the governor', async () => {
    const sh = await shell(2)
    const status = () => sh.status()
    await sh.quietly([...cli, 'resize', '--pool', 'ci', '5', '--max-load', '1000', '--min-memory', '1M'])
    const limits = { maxLoad: 1000, minMemory: 2 ** 20 }
    expect(await status()).toMatchObject({ slots: 5, governor: { limits, reason: null } })
    await sh.quietly([...cli, 'resize', '--pool', 'ci', '--max-load', 'none'])
    expect(await status()).toMatchObject({ slots: 5, governor: { limits: { minMemory: 2 ** 20 }, reason: null } })
    await sh.quietly([...cli, 'resize', '--pool', 'ci', '0', '--min-memory=none'])
    expect(await status()).toMatchObject({ slots: 0, governor: null })
    const { code, stderr } = await sh.jobslot('acquire', '--pool', 'ci', '-w', '100ms', 'true')
    expect({ code, stderr }).toEqual({ code: 75, stderr: 'jobslot: no 1 slot of pool ci within 0.1 s\n' })
  })
})
