import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { newState } from '../real/state.ts'
import { cli } from '../support/cli.ts'
import { distinctTokens, fifoJobserver } from '../support/jobserver.ts'
import { type Env, type Result, run, tempDir } from '../support/processes.ts'
import { requireTool } from '../support/tools.ts'
import { jobserverOf, jobslot, makes, requireProgram, writeMakefile } from './recipes.ts'

const doctor = `${cli.join(' ')} doctor`

interface Answer {
  json: { inForce: string; jobserver: Record<string, unknown> | null; pool: unknown; stateDir: string | null }
  /** Its lines by name; of those that come more than once, the last. */
  words: Record<string, string>
  text: string
}

/** Both forms of the answer. `around` makes a command of a shell script. */
async function ask(env: Env, around: (script: string) => string[] = (script) => ['sh', '-c', script]): Promise<Answer> {
  const state = newState()
  const script = `${doctor} --json; echo ---; ${doctor}`
  const result: Result = await run(around(script), { env: { ...state.env, ...env } })
  expect(result).toMatchObject({ code: 0, stderr: '' })
  const [json = '', text = ''] = result.stdout.split('---\n')
  const words = Object.fromEntries(
    text
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/: +(.*)/, 2)),
  )
  expect(words['state folder']).toBe(state.env.JOBSLOT_DIR)
  expect(state.left()).toEqual([])
  const answer: Answer = { json: JSON.parse(json), words, text }
  expect(answer.json.stateDir).toBe(state.env.JOBSLOT_DIR)
  return answer
}

/** The keys that scripts rely on, in the order in which they stand. */
const keys = ['style', 'auth', 'usable', 'reason', 'code', 'available', 'jobs', 'load', 'dryRun', 'variable']

describe('the limit in force', () => {
  test.for<[string, Env]>([
    ['nothing at all', {}],
    ['a plain make above', { MAKEFLAGS: 'kw', MAKELEVEL: '1' }],
    ['-j1 without a make above', { MAKEFLAGS: ' -j1' }],
    ['a jobserver behind --', { MAKEFLAGS: ' -- A=--jobserver-auth=3,4' }],
  ])('the pool default: %s', async ([, env]) => {
    const { json, words } = await ask(env)
    const slots = cpus().length
    const dir = join(json.stateDir!, 'pools/default')
    expect(json).toEqual({
      inForce: 'pool',
      jobserver: null,
      pool: { name: 'default', dir, running: false, slots, free: slots },
      stateDir: expect.any(String),
    })
    expect(words).toEqual({
      'limit in force': 'pool default',
      'found in': 'nothing: no jobserver and no pool is named',
      works: 'yes',
      slots: String(slots),
      'free now': String(slots),
      broker: 'starts with the first command of the pool',
      'not reached': expect.stringContaining('jobslot run'),
      'state folder': json.stateDir,
    })
  })

  test('the pool that JOBSLOT_POOL names, from within', async () => {
    const state = newState()
    await run([...cli, 'resize', '--pool', 'my pool', '3'], state)
    const argv = [
      ...cli,
      'acquire',
      '--pool',
      'my pool',
      '-c',
      '2',
      '--',
      'sh',
      '-c',
      'unset MAKEFLAGS CARGO_MAKEFLAGS; exec "$@"',
      'sh',
    ]
    const json = await run([...argv, ...cli, 'doctor', '--json'], state)
    expect(JSON.parse(json.stdout)).toMatchObject({
      inForce: 'pool',
      pool: { name: 'my pool', running: true, slots: 3, free: 1, dir: expect.stringMatching(/^\/.*pools\/my%20pool$/) },
    })
    const { stdout } = await run([...argv, ...cli, 'doctor'], state)
    expect(stdout).toMatch(/^limit in force: pool my pool\nfound in: +JOBSLOT_POOL\n/)
    expect(stdout).toMatch(/^held here: +slot my%20pool\/\d+$/m)
  })

  test('a pool that cannot be used, and why', async () => {
    const state = newState()
    mkdirSync(join(state.env.JOBSLOT_DIR, 'pools'), { mode: 0o700 })
    writeFileSync(join(state.env.JOBSLOT_DIR, 'pools/ci.json'), 'nonsense')
    const env = { ...state.env, JOBSLOT_POOL: 'ci' }
    expect(JSON.parse((await run([...cli, 'doctor', '--json'], { env })).stdout)).toMatchObject({
      inForce: 'pool',
      pool: { name: 'ci', dir: null, running: false, slots: null, free: null },
    })
    expect((await run([...cli, 'doctor'], { env })).stdout).toMatch(
      /^works: +no\nwhy not: +the settings of pool "ci" .*\n/m,
    )
    for (const words of [['acquire', 'true'], ['status'], ['resize', '--pool', 'ci', '3']]) {
      const { code, stderr } = await run([...cli, ...words], { env })
      expect(code).toBe(69)
      expect(stderr).toMatch(/^jobslot: the settings of pool "ci" in .* cannot be read: .*\n$/)
    }
  })

  test('the jobserver of a member, and which member that is', async () => {
    const state = newState()
    const argv = [...cli, 'run', '--pool', 'ci', '--style', 'pipe', '--', ...cli, 'doctor']
    const { stdout } = await run(argv, state)
    expect(stdout).toMatch(/^limit in force: a jobserver, pipe 20,21\n(.*\n)*held here: +slot ci\/\d+$/m)
  })

  test('a pipe', async () => {
    const { json, words } = await ask({}, (script) =>
      jobserverOf('pipe', distinctTokens(3)).around(['sh', '-c', script]),
    )
    expect(json).toEqual({
      inForce: 'jobserver',
      jobserver: {
        style: 'pipe',
        auth: '3,4',
        usable: true,
        reason: null,
        code: null,
        available: 3,
        jobs: 4,
        load: null,
        dryRun: false,
        variable: 'MAKEFLAGS',
      },
      pool: null,
      stateDir: expect.any(String),
    })
    expect(Object.keys(json.jobserver!)).toEqual(keys)
    expect(words).toEqual({
      'limit in force': 'a jobserver, pipe 3,4',
      'found in': 'MAKEFLAGS',
      slots: '4',
      works: 'yes',
      'tokens ready': '3',
      'not reached': 'ninja, which knows the fifo form only (from 1.13 on)',
      'state folder': expect.any(String),
    })
  })

  test('a FIFO, named by another variable', async () => {
    const { path } = fifoJobserver(tempDir(), distinctTokens(2))
    const { json, words } = await ask({
      MAKEFLAGS: 'k',
      CARGO_MAKEFLAGS: `-j --jobserver-fds=97,98 --jobserver-auth=fifo:${path} -l2.5`,
    })
    expect(json.jobserver).toEqual({
      style: 'fifo',
      auth: `fifo:${path}`,
      usable: true,
      reason: null,
      code: null,
      available: 2,
      jobs: null,
      load: 2.5,
      dryRun: false,
      variable: 'CARGO_MAKEFLAGS',
    })
    expect(words).toMatchObject({
      'limit in force': `a jobserver, fifo:${path}`,
      'found in': 'CARGO_MAKEFLAGS',
      works: 'yes',
      'tokens ready': '2',
      'not reached': 'gcc -flto=jobserver before gcc 13, which knows pipes only',
    })
    expect(words).not.toHaveProperty('slots')
  })

  test('a make above that was told -j1', async () => {
    const { json, words } = await ask({ MAKEFLAGS: ' -j1', MAKELEVEL: '1' })
    expect(json).toMatchObject({
      inForce: 'jobserver',
      jobserver: { style: null, auth: null, usable: true, reason: null, jobs: 1, variable: 'MAKEFLAGS' },
    })
    expect(words).toMatchObject({ 'limit in force': 'one slot', slots: '1', works: 'yes' })
    expect(words).not.toHaveProperty('tokens ready')
  })

  test.for(makes)('a dry run of $name', async (make, ctx) => {
    const cwd = tempDir()
    writeMakefile(cwd, [`+@${doctor} --json`])
    const argv = [requireTool(make.tool, ctx), '-n', '-j3']
    const { stdout, stderr } = await run(argv, { cwd, env: newState().env })
    expect(stderr).toBe('')
    // make prints the recipe, too, which it runs.
    const [, json = ''] = /(\{.*\})/s.exec(stdout.slice(stdout.indexOf('--json') + 6)) ?? []
    expect(JSON.parse(json)).toMatchObject({
      inForce: 'jobserver',
      jobserver: { style: make.style, usable: true, available: 2, jobs: 3, dryRun: true },
    })
  })
})

describe('each way in which a jobserver cannot be used', () => {
  /** The script is the shell's around doctor, which is `"$@"`. */
  interface Unusable {
    name: string
    code: string
    auth: string | null
    reason: RegExp
    script?: string
    /** Answers the auth that MAKEFLAGS names. */
    makes?(dir: string): string
  }

  const cases: Unusable[] = [
    { name: 'closed descriptors', code: 'CLOSED_DESCRIPTOR', auth: '97,98', reason: /^descriptor 97 .* is closed/ },
    {
      name: 'descriptors of a file',
      code: 'NOT_A_PIPE',
      auth: '7,8',
      script: 'exec "$@" 7</etc/passwd 8</etc/passwd',
      reason: /^descriptor 7, named as the jobserver's, is no pipe here \(file\): /,
    },
    {
      name: 'ends of two pipes',
      code: 'UNEQUAL_ENDS',
      auth: '7,8',
      script: 'exec "$@" 7<>a 8<>b',
      reason: /^descriptors 7 and 8 are not the two ends of one pipe, as the jobserver's are: /,
    },
    {
      name: 'ends the wrong way round',
      code: 'WRONG_DIRECTION',
      auth: '7,8',
      script: 'exec 6<>a; exec "$@" 7>a 8<a',
      reason: /^descriptor 7 cannot be read or 8 cannot be written, as the jobserver's can: /,
    },
    {
      name: 'descriptors that make withholds',
      code: 'WITHHELD',
      auth: '-2,-2',
      reason:
        /^make keeps its jobserver from this command .*: mark the recipe line with '\+' so that make hands it on$/,
    },
    {
      name: 'numbers that no descriptor has',
      code: 'BAD_DESCRIPTOR',
      auth: '3,99999999999',
      reason: /has a number that no descriptor can have: correct it, or remove it$/,
    },
    {
      name: 'no path that exists',
      code: 'MISSING_FIFO',
      auth: 'fifo:/nonexistent/fifo',
      reason: /^the jobserver's FIFO \/nonexistent\/fifo does not exist: /,
    },
    {
      name: 'a regular file',
      code: 'NOT_A_FIFO',
      auth: 'fifo:/etc/passwd',
      reason: /^the jobserver's path \/etc\/passwd is not a FIFO: .*; start the build anew$/,
    },
    {
      name: 'garbage',
      code: 'BAD_AUTH',
      auth: 'what?',
      reason: /=what\? names no jobserver, .*: correct it, or remove it$/,
    },
    {
      name: 'a Windows semaphore',
      code: 'PLATFORM',
      auth: 'gmake_semaphore_1824',
      reason: /^the jobserver is the Windows semaphore gmake_semaphore_1824, which jobslot cannot use/,
    },
  ]

  test.for(cases)('$name', async ({ code, auth, reason, script = 'exec "$@"' }) => {
    const cwd = tempDir()
    const around = (inner: string) => ['sh', '-c', `cd ${cwd}; mkfifo a b; ${script}`, 'sh', 'sh', '-c', inner]
    const { json, words } = await ask({ MAKEFLAGS: ` -j4 -l1.5 --jobserver-auth=${auth}` }, around)
    expect(json).toMatchObject({
      inForce: 'jobserver',
      jobserver: {
        usable: false,
        code: `ERR_JOBSLOT_${code}`,
        available: null,
        jobs: 4,
        load: 1.5,
        variable: 'MAKEFLAGS',
      },
    })
    expect(json.jobserver!.reason).toMatch(reason)
    // What happened, a colon, what to do.
    expect(json.jobserver!.reason).toMatch(/^[^:]+.*: \S/)
    expect(Object.keys(json.jobserver!)).toEqual(keys)
    expect(words).toMatchObject({
      works: 'no',
      'why not': json.jobserver!.reason,
      meanwhile: 'jobslot goes on with the one slot that every command has',
    })
    expect(words).not.toHaveProperty('not reached')
  })

  test('has a code and a sentence of its own', () => {
    expect(new Set(cases.map(({ code }) => code)).size).toBe(cases.length)
    expect(new Set(cases.map(({ reason }) => reason.source)).size).toBe(cases.length)
  })

  test("Node's own pipes", async () => {
    // At these numbers, what every weaker test takes for a jobserver. At 3 and 4 make's may lie under which the tests run.
    const found = new Set<unknown>()
    for (let read = 5; read < 24; read++) {
      const { stdout } = await jobslot(['doctor', '--json'], {
        env: { MAKEFLAGS: ` -j4 --jobserver-auth=${read},${read + 1}` },
      })
      const { jobserver } = JSON.parse(stdout) as Answer['json']
      expect(jobserver).toMatchObject({ usable: false })
      found.add(jobserver!.code)
    }
    expect(found).toContain('ERR_JOBSLOT_FOREIGN_PIPE')
  })

  test('a FIFO that another user has made', async (ctx) => {
    if (process.getuid?.() === 0) requireProgram('setpriv', ctx)
    const { path } = fifoJobserver(tempDir(), distinctTokens(2))
    const env = { MAKEFLAGS: ` -j4 --jobserver-auth=fifo:${path}` }
    // Root may open anything, so it becomes someone who may not; everyone else forbids it to himself.
    const around =
      process.getuid?.() === 0
        ? (script: string) => ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'sh', '-c', script]
        : (script: string) => ['sh', '-c', `chmod 0 ${path}; ${script}`]
    const script = `${doctor} --json`
    const { stdout } = await run(around(script), { env: { ...env, JOBSLOT_DIR: join(tempDir(), 'none') } })
    expect(JSON.parse(stdout).jobserver).toMatchObject({
      usable: false,
      code: 'ERR_JOBSLOT_FIFO_DENIED',
      reason: expect.stringMatching(/ cannot be opened \(EACCES\): run as the user who started the build$/),
    })
  })
})
