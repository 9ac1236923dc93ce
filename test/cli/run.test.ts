import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { availableCpus } from '../../src/pool/cpus.ts'
import { newState } from '../real/state.ts'
import { cli } from '../support/cli.ts'
import { distinctTokens, fifoJobserver, sortedHex } from '../support/jobserver.ts'
import { type Env, type Result, run, start, tempDir, waitFor } from '../support/processes.ts'
import { peak, readSpans } from '../support/spans.ts'
import { requireTool } from '../support/tools.ts'
import {
  buildAsClient,
  job,
  jobserverOf,
  jobslot,
  makes,
  requireProgram,
  withoutWaiting,
  writeMakefile,
} from './recipes.ts'

/** Runs a shell script under `jobslot run`. */
async function runScript(words: string[], script: string, env: Env = {}): Promise<Result & { left: string[] }> {
  const state = newState()
  const result = await run([...cli, 'run', ...words, '--', 'sh', '-c', script], { env: { ...state.env, ...env } })
  return { ...result, left: state.left() }
}

describe('what the command is told', () => {
  const show = 'printf "%s|%s\\n" "$MAKEFLAGS" "$CARGO_MAKEFLAGS"'
  const pipe = '--jobserver-fds=20,21 --jobserver-auth=20,21'

  test.for<[string, string, string]>([
    ['', ` -j4 ${pipe}`, `-j4 ${pipe}`],
    ['k', `k -j4 ${pipe}`, `-j4 ${pipe}`],
    ['kn -l2', `kn -l2 -j4 ${pipe}`, `-j4 ${pipe}`],
    [' -j2 --trace', ` --trace -j4 ${pipe}`, `-j4 ${pipe}`],
    ['k -- A=1 B=-j3', `k -j4 ${pipe} -- A=1 B=-j3`, `-j4 ${pipe}`],
  ])('MAKEFLAGS=%j in pipe style', async ([MAKEFLAGS, makeflags, cargo]) => {
    const { stdout, stderr } = await runScript(['-j4', '--style', 'pipe'], show, { MAKEFLAGS })
    expect(stdout).toBe(`${makeflags}|${cargo}\n`)
    expect(stderr).toBe('')
  })

  test('in fifo style: the path of the FIFO, which the descriptors are open on, too', async () => {
    const script = `${show}; path=\${MAKEFLAGS#*fifo:}; path=\${path%% *}; test -p "$path" && readlink /proc/self/fd/20 /proc/self/fd/21`
    const { code, stdout } = await runScript(['-j4', '--style=fifo'], script, { MAKEFLAGS: 'kw -- A=1' })
    expect(code).toBe(0)
    const [told, read, write] = stdout.split('\n')
    const [, path = ''] =
      /^kw -j4 --jobserver-auth=fifo:(\S+) -- A=1\|-j4 --jobserver-fds=20,21 --jobserver-auth=20,21$/.exec(told!) ?? []
    expect(path).toMatch(/^\/.*\/run-[^/]*\/jobserver$/)
    expect([read, write]).toEqual([path, path])
  })

  test('without -j there are as many slots as there are CPUs for it', async (ctx) => {
    requireProgram('taskset', ctx)
    const { stdout } = await runScript([], show)
    expect(stdout).toContain(` -j${availableCpus()} `)
    const one = await run(['taskset', '-c', '0', ...cli, 'run', 'sh', '-c', show], { env: newState().env })
    expect(one.stdout).toContain(' -j1 ')
  })

  test('the descriptors of the jobserver, blocking, and no other', async (ctx) => {
    requireProgram('bash', ctx)
    // The shell has more where whoever started the tests left more open, and one for the pipe of the $( ).
    const list = 'for fd in $(ls /proc/$$/fd); do printf "%s " $fd; sed -n "s/^flags:\t0*//p" /proc/$$/fdinfo/$fd; done'
    const flagsIn = ({ stdout }: Result) => {
      const lines = stdout.trimEnd().split('\n')
      return new Map(lines.map((line) => line.split(' ') as [string, string]))
    }
    const bare = flagsIn(await run(['bash', '-c', list]))
    const inside = flagsIn(await run([...cli, 'run', '-j3', '--', 'bash', '-c', list], { env: newState().env }))
    expect([...inside.keys()].filter((fd) => !bare.has(fd))).toEqual(['20', '21'])
    for (const fd of ['20', '21']) expect(Number.parseInt(inside.get(fd)!, 8) & 0o4003).toBe(2)
  })

  test('its input and its arguments, as they are', async () => {
    const words = ['a b', '$x', '', '*', '{slots}', '--', "'"]
    const script = 'cat; printf "<%s>" "$@"'
    const argv = [...cli, 'run', '-j2', '--', 'sh', '-c', script, 'sh', ...words]
    const { stdout } = await run(argv, { env: newState().env, input: 'input\n' })
    expect(stdout).toBe(`input\n${words.map((word) => `<${word}>`).join('')}`)
  })

  test('a path without a space, even where JOBSLOT_DIR has one', async () => {
    const dir = join(tempDir(), 'a folder')
    const script = `${show}; path=\${MAKEFLAGS#*fifo:}; test -p "$path" && echo there`
    const { stdout, stderr } = await runScript(['-j4', '--style=fifo'], script, { JOBSLOT_DIR: dir })
    const [, path = ''] = /fifo:(.*)\|/.exec(stdout) ?? []
    expect(path).toMatch(new RegExp(`^/tmp/jobslot-${process.getuid?.()}/run-\\w+/jobserver$`))
    expect(stdout).toContain('there')
    expect(stderr).toBe('')
    expect(existsSync(join(path, '..'))).toBe(false)
  })
})

describe.for(makes)('$name', (make) => {
  test('under run -j1 runs one job at a time', async (ctx) => {
    const cwd = tempDir()
    writeMakefile(cwd, Array<string>(4).fill(`@${job({ ms: 50 })}`))
    const argv = [...cli, 'run', '-j1', '--', requireTool(make.tool, ctx), '--no-print-directory']
    expect(await run(argv, { cwd, env: newState().env })).toMatchObject({ code: 0, stderr: '' })
    const spans = readSpans(join(cwd, 'spans'))
    expect(spans).toHaveLength(4)
    expect(peak(spans)).toBe(1)
  })

  test('is told of where it stops at the fifo form', async (ctx) => {
    const path = requireTool(make.tool, ctx)
    const { stderr } = await jobslot(['run', '--style=fifo', '--', path, '--version'])
    expect(stderr).toBe(
      make.style === 'fifo'
        ? ''
        : `jobslot: ${path} is older than 4.4 and stops at the fifo form of MAKEFLAGS: use --style pipe\n`,
    )
  })

  /** A recipe that runs a build of six jobs of its own. */
  function inner(words: string, meet: number, ctx: Parameters<typeof requireTool>[1], cwd: string): string {
    const dir = join(cwd, `inner${readdirSync(cwd).length}`)
    mkdirSync(dir)
    const recipe = `@cd ${cwd} && ${job({ meet })}`
    writeMakefile(dir, Array<string>(6).fill(recipe))
    return `+@${cli.join(' ')} run ${words} -- ${requireTool(make.tool, ctx)} --no-print-directory -C ${dir}`
  }

  test.for([
    ['-j2', 4, 2],
    ['', 3, 3],
    ['-j3', 5, 3],
  ] as const)('inside a build of its own: run %s of %i slots', async ([words, slots, expected], ctx) => {
    const cwd = tempDir()
    const recipe = inner(words, expected, ctx, cwd)
    const built = await buildAsClient([recipe], { make, slots, cwd }, ctx)
    expect(built).toMatchObject({ code: 0, stderr: '', left: [], peak: expected, tokens: '+'.repeat(slots - 1) })
    expect(built.done).toHaveLength(6)
  })

  test('several runs in one build share its slots', async (ctx) => {
    const cwd = tempDir()
    const recipes = [inner('-j2', 3, ctx, cwd), inner('-j3', 3, ctx, cwd), `+@${job({ meet: 3 })}`]
    const built = await buildAsClient(recipes, { make, slots: 3, cwd }, ctx)
    expect(built).toMatchObject({ code: 0, stderr: '', left: [], peak: 3, tokens: '++' })
    expect(built.done).toHaveLength(13)
  })
})

describe('inside another limit', () => {
  test('more than there is becomes what there is', async () => {
    const jobserver = jobserverOf('fifo', distinctTokens(2))
    const state = newState()
    const argv = [...cli, 'run', '-j8', '--', 'sh', '-c', 'echo "$MAKEFLAGS"']
    const { stdout, stderr } = await run(jobserver.around(argv), { env: state.env })
    expect(stdout).toContain(' -j3 ')
    expect(stderr).toMatch(/^jobslot: -j 8 is more than the jobserver .* \(3 slots\) has: going on with 3\n$/)
    expect(jobserver.report().tokens).toBe(sortedHex(distinctTokens(2)))
  })

  test('where the jobserver cannot be used there is one slot', async () => {
    const { stdout, stderr } = await runScript(['-j8'], 'echo "$MAKEFLAGS"', {
      MAKEFLAGS: 'k -j4 --jobserver-auth=97,98',
    })
    expect(stdout).toMatch(/^k -j1 --jobserver/)
    expect(stderr).toMatch(/^jobslot: descriptor 97 .*; until then this goes on with one slot\n$/)
  })

  test('a token of the outer limit that comes late is taken then, and given back', async () => {
    const { path, makeflags, writeFd, drain } = fifoJobserver(tempDir(), Buffer.alloc(0))
    const cwd = tempDir()
    const env = { ...newState().env, MAKEFLAGS: makeflags.replace('-j1', '-j2') }
    const script = 'touch ready; dd bs=1 count=1 status=none if=/dev/fd/20 | tee /dev/fd/21'
    const { result } = start([...cli, 'run', '-j2', '--style=pipe', '--', 'sh', '-c', script], { cwd, env })
    await waitFor(() => existsSync(join(cwd, 'ready')), 10_000)
    writeFileSync(path, Buffer.from([0xfe]))
    expect(await result).toMatchObject({ code: 0, stdout: '+', stderr: '' })
    expect(writeFd).toBeGreaterThan(0)
    expect(drain()).toBe('fe')
  })
})

describe('the audit at the end', () => {
  const take = (count: number) => `dd bs=1 count=${count} status=none if=/dev/fd/20 of=/dev/null`

  test.for<[string, string, string]>([
    ['nothing to tell of', `${take(1)}; printf + >/dev/fd/21`, ''],
    ['a stolen token', take(1), '1 token was not given back: a client was killed, or still runs in the background'],
    ['stolen tokens', take(3), '3 tokens were not given back: a client was killed, or still runs in the background'],
    [
      'a token too many',
      'printf + >/dev/fd/21',
      '1 token was given back that nobody had taken: a client does not keep the protocol',
    ],
    [
      'tokens too many',
      'printf ++ >/dev/fd/21',
      '2 tokens were given back that nobody had taken: a client does not keep the protocol',
    ],
  ])('%s', async ([, script, message]) => {
    for (const style of ['pipe', 'fifo']) {
      const { code, stdout, stderr, left } = await runScript(['-j4', '--style', style], `${script}; exit 3`)
      expect({ code, stdout, stderr, left }).toEqual({
        code: 3,
        stdout: '',
        stderr: message === '' ? '' : `jobslot: ${message}\n`,
        left: [],
      })
    }
  })

  test('the outer limit has its tokens back, whatever became of the inner ones', async () => {
    const jobserver = jobserverOf('pipe', distinctTokens(3))
    const argv = [...cli, 'run', '-j4', '--style', 'pipe', '--', 'sh', '-c', `${take(2)}; exit 3`]
    const { code, stderr } = await run(jobserver.around(argv), { env: newState().env })
    expect(code).toBe(3)
    expect(withoutWaiting(stderr)).toMatch(/^jobslot: 2 tokens were not given back/)
    expect(jobserver.report().tokens).toBe(sortedHex(distinctTokens(3)))
  })

  test('acquire audits the jobserver that it makes of several slots', async () => {
    const jobserver = jobserverOf('fifo', distinctTokens(3))
    const argv = [...cli, 'acquire', '-c', '3', '--', 'sh', '-c', take(1)]
    const { code, stderr } = await run(jobserver.around(argv), { env: newState().env })
    expect(code).toBe(0)
    expect(stderr).toMatch(/^jobslot: 1 token was not given back/)
    expect(jobserver.report().tokens).toBe(sortedHex(distinctTokens(3)))
  })
})

describe('what a killed run leaves behind', () => {
  const folders = (dir: string) => readdirSync(dir).filter((name) => name.startsWith('run-'))

  test('the next run removes, but not while its command lives', async () => {
    const { env, left } = newState()
    const cwd = tempDir()
    const script =
      'touch ready; until [ -e end ]; do sleep 0.05; done; dd bs=1 count=1 status=none if=/dev/fd/20; touch over'
    const killed = start([...cli, 'run', '-j2', '--', 'sh', '-c', script], { cwd, env })
    await waitFor(() => existsSync(join(cwd, 'ready')), 10_000)
    const [folder] = folders(env.JOBSLOT_DIR)
    killed.child.kill('SIGKILL')
    await waitFor(() => killed.child.signalCode === 'SIGKILL')

    const next = await run([...cli, 'run', '-j2', 'true'], { env })
    expect(next).toMatchObject({ code: 0, stderr: '' })
    expect(folders(env.JOBSLOT_DIR)).toEqual([folder])

    writeFileSync(join(cwd, 'end'), '')
    // The command still has its token.
    expect((await killed.result).stdout).toBe('+')
    expect(existsSync(join(cwd, 'over'))).toBe(true)
    expect(await run([...cli, 'run', '-j2', 'true'], { env })).toMatchObject({ code: 0, stderr: '' })
    expect(left()).toEqual([])
  })

  test('many at once do not take each other for killed', async () => {
    const { env, left } = newState()
    const one = async () => {
      for (let i = 0; i < 4; i++) {
        const argv = [
          ...cli,
          'run',
          '-j2',
          '--style=fifo',
          '--',
          'sh',
          '-c',
          'test -p "$(echo "$MAKEFLAGS" | sed s/.*fifo://)"',
        ]
        expect(await run(argv, { env })).toMatchObject({ code: 0, stderr: '' })
      }
    }
    await Promise.all(Array.from({ length: 6 }, one))
    expect(left()).toEqual([])
  })
})

test('a machine that has too little left of what it is to keep gets fewer jobs, but one', async () => {
  const script = `until [ "$(${cli.join(' ')} doctor --json | grep -c '"available": 0')" = 1 ]; do sleep 0.2; done; echo one`
  const argv = ['run', '-j3', '--min-memory', '900000G', '--style=pipe', '--', 'sh', '-c', script]
  expect(await jobslot(argv)).toMatchObject({ code: 0, stdout: 'one\n', stderr: '' })
})

test('doctor inside run', async () => {
  const { stdout } = await jobslot(['run', '-j3', '--style=pipe', '--', ...cli, 'doctor', '--json'])
  expect(JSON.parse(stdout)).toMatchObject({
    jobserver: { style: 'pipe', auth: '20,21', usable: true, available: 2, jobs: 3 },
  })
})
