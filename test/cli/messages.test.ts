import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { newState } from '../real/state.ts'
import { cli } from '../support/cli.ts'
import { distinctTokens, fifoJobserver } from '../support/jobserver.ts'
import { run, start, tempDir } from '../support/processes.ts'
import { acquire, jobslot } from './recipes.ts'
import { runInTerminal } from './terminal.ts'

/** A limit that cannot be used, of which whoever asks for it is told. */
const closed = { MAKEFLAGS: ' -j2 --jobserver-auth=97,98' }
const isClosed =
  "jobslot: descriptor 97 of the jobserver is closed in this process: mark the recipe line with '+' so that make hands " +
  'its jobserver on; until then this goes on with one slot\n'

describe('a wait', () => {
  /** Waits for two slots, of which one, its own, is free, until a token is given. */
  function waitForTwo() {
    const jobserver = fifoJobserver(tempDir(), Buffer.alloc(0))
    const MAKEFLAGS = jobserver.makeflags.replace('-j1', '-j4')
    const began = performance.now()
    const running = start([...cli, 'acquire', '-c', '2', '--', 'true'], { env: { ...newState().env, MAKEFLAGS } })
    let toldAfter = 0
    running.child.stderr!.once('data', () => {
      toldAfter = performance.now() - began
    })
    return { ...running, jobserver, give: () => writeSync(jobserver.writeFd, '+'), toldAfter: () => toldAfter }
  }

  test('of 2 s is told of, once, on stderr, in plain text', async () => {
    const { jobserver, give, result, toldAfter } = waitForTwo()
    await sleep(6000)
    give()
    expect(await result).toEqual({
      code: 0,
      signal: null,
      stdout: '',
      stderr: `jobslot: waiting for 2 slots of the jobserver ${jobserver.path} (4 slots), 0 free now\n`,
    })
    expect(toldAfter()).toBeGreaterThan(2000)
  })

  test('that is shorter is not', async () => {
    const { give, result } = waitForTwo()
    await sleep(1500)
    give()
    expect(await result).toMatchObject({ code: 0, stdout: '', stderr: '' })
  })
})

describe('colour', () => {
  const state = () => ({ ...newState().env, ...closed })
  const yellow = '\x1b[33mjobslot:\x1b[39m descriptor 97'
  const terminal = { TERM: 'xterm', NO_COLOR: undefined, FORCE_COLOR: undefined, NODE_DISABLE_COLORS: undefined }

  test('on a terminal', async (ctx) => {
    const { stdout } = await runInTerminal([...cli, 'acquire', 'true'], { env: { ...state(), ...terminal } }, ctx)
    expect(stdout).toContain(yellow)
    const doctor = await runInTerminal([...cli, 'doctor'], { env: { ...state(), ...terminal } }, ctx)
    expect(doctor.stdout).toContain('\x1b[1mlimit in force: \x1b[22ma jobserver')
  })

  test('on a terminal that has the messages alone', async (ctx) => {
    const command = ['sh', '-c', `${acquire} true >/dev/null`]
    const { stdout } = await runInTerminal(command, { env: { ...state(), ...terminal } }, ctx)
    expect(stdout).toContain(yellow)
  })

  test.for<[string, Record<string, string | undefined>]>([
    ['NO_COLOR asks for none', { ...terminal, NO_COLOR: '1' }],
    ['the terminal is dumb', { ...terminal, TERM: 'dumb' }],
  ])('not where %s', async ([, env], ctx) => {
    const command = ['sh', '-c', `${acquire} true; ${cli.join(' ')} doctor`]
    const { stdout } = await runInTerminal(command, { env: { ...state(), ...env } }, ctx)
    expect(stdout).toContain('jobslot: descriptor 97')
    expect(stdout).toContain('limit in force')
    expect(stdout).not.toContain('\x1b')
  })

  test('NO_COLOR asks for nothing where it is empty', async (ctx) => {
    const env = { ...state(), ...terminal, NO_COLOR: '' }
    const { stdout } = await runInTerminal([...cli, 'acquire', 'true'], { env }, ctx)
    expect(stdout).toContain(yellow)
  })

  test('not in a file, though the terminal is there', async (ctx) => {
    const file = join(tempDir(), 'file')
    const command = ['sh', '-c', `${acquire} true 2>${file}; ${cli.join(' ')} doctor >>${file}; cat ${file}`]
    const { stdout } = await runInTerminal(command, { env: { ...state(), ...terminal } }, ctx)
    expect(stdout).toContain('limit in force')
    expect(stdout).not.toContain('\x1b')
  })

  test('not in a pipe, whatever the colour of other programs there', async () => {
    const { stderr } = await jobslot(['acquire', 'true'], { env: { ...terminal, ...closed, FORCE_COLOR: '1' } })
    expect(stderr).toBe(isClosed)
  })
})

describe('NODE_DEBUG=jobslot', () => {
  const traces = (stderr: string) =>
    stderr
      .split('\n')
      .filter((line) => line.startsWith('JOBSLOT '))
      .map((line) => line.replace(/^JOBSLOT \d+: /, '').replace(/process .*/, 'process'))

  test('traces every token', async () => {
    const { makeflags, drain } = fifoJobserver(tempDir(), distinctTokens(2))
    const env = { MAKEFLAGS: makeflags, NODE_DEBUG: 'jobslot' }
    const { code, stderr } = await jobslot(['acquire', '-c', '3', '--', 'true'], { env })
    expect(code).toBe(0)
    const told = traces(stderr)
    expect(told.slice(0, 3)).toEqual(['took the implicit slot of process', 'took token 0', 'took token 37'])
    expect(told.slice(3).sort()).toEqual([
      'gave back the implicit slot of process',
      'gave back token 0',
      'gave back token 37',
    ])
    expect(drain()).toBe('0025')
  })

  test('traces nothing where it names something else', async () => {
    const { makeflags } = fifoJobserver(tempDir(), distinctTokens(2))
    const env = { MAKEFLAGS: makeflags, NODE_DEBUG: 'other' }
    expect((await jobslot(['acquire', '-c', '3', '--', 'true'], { env })).stderr).toBe('')
  })
})

describe('no limit is named', () => {
  test.for<[string[], string]>([
    [['acquire', '--'], '1'],
    [['acquire', '-c', '2', '--'], '2'],
    [['acquire', '-c', '1..3', '--'], '3'],
    [['acquire', '-n', '--'], '1'],
  ])('jobslot %j takes its slots from the pool default', async ([words, slots]) => {
    const state = newState()
    await run([...cli, 'resize', '--pool', 'default', '3'], state)
    const script = `echo $JOBSLOT_SLOTS $JOBSLOT_POOL; ${cli.join(' ')} status --pool default --json`
    const { code, stdout, stderr } = await run([...cli, ...words, 'sh', '-c', script], state)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [told, ...json] = stdout.split('\n')
    expect(told).toBe(`${slots} default`)
    expect(JSON.parse(json.join('\n'))).toMatchObject({ pool: 'default', slots: 3, free: 3 - Number(slots) })
  })

  test('jobslot run sets one, and says nothing', async () => {
    expect(await jobslot(['run', 'echo', 'x'])).toMatchObject({ code: 0, stdout: 'x\n', stderr: '' })
  })
})

test.for(['2>/dev/full', '2>&-', '2>&1 >/dev/full'])('with %s the command runs all the same', async (to) => {
  const env = { ...newState().env, ...closed }
  const { code, stdout } = await run(['sh', '-c', `${acquire} sh -c 'exit 7' ${to}`], { env })
  expect({ code, stdout: stdout.replace(isClosed, '') }).toEqual({ code: 7, stdout: '' })
})
