import { cpus } from 'node:os'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { compiled } from './compile.ts'
import { distinctTokens, pipeJobserver } from './jobserver.ts'
import { run } from './processes.ts'
import { parseVersion, versionNumber } from './tools.ts'

describe('tools', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
    vi.resetModules()
  })

  test.for([
    ['GNU Make 4.4.1\nBuilt for x86_64', 4004],
    ['1.13.2', 1013],
    ['gcc (Debian 12.2.0-14) 12.2.0', 12002],
    ['usage: tool FILE', null],
  ] as const)('parseVersion %j', ([text, version]) => {
    expect(parseVersion(text)).toBe(version)
  })

  test('4.10 is newer than 4.9', () => {
    expect(versionNumber(4, 10)).toBeGreaterThan(versionNumber(4, 9))
  })

  async function requireMissing(ci: string): Promise<{ warnings: string[]; skips: string[]; error: unknown }> {
    vi.stubEnv('PATH', '/nonexistent')
    vi.stubEnv('JOBSLOT_TEST_TOOLS', '/nonexistent')
    vi.stubEnv('CI', ci)
    vi.resetModules()
    const { requireTool } = await import('./tools.ts')
    const warnings: string[] = []
    vi.spyOn(console, 'warn').mockImplementation((text) => warnings.push(text))
    const skips: string[] = []
    const skip = (note?: unknown): never => {
      skips.push(String(note))
      throw new Error('skipped')
    }
    try {
      requireTool('ninja113', { skip })
      return { warnings, skips, error: null }
    } catch (error) {
      return { warnings, skips, error }
    }
  }

  test('a missing tool skips the test, and says so', async () => {
    const { warnings, skips } = await requireMissing('')
    expect(warnings).toEqual([expect.stringMatching(/^SKIPPED: ninja113 is missing: run scripts\/real-build-tools/)])
    expect(skips).toHaveLength(1)
  })

  test('a missing tool fails the test in CI', async () => {
    const { skips, error } = await requireMissing('true')
    expect(error).toMatchObject({ message: expect.stringMatching(/^ninja113 is missing/) })
    expect(skips).toEqual([])
  })
})

describe('makeparallel', () => {
  const guess = `-j${cpus().length + 2} x`

  test.for<[string, string, string[], string, string]>([
    ['takes all tokens and gives each back as +', ' -j4 --jobserver-fds=3,4', [], '-j4 x', '2b2b2b'],
    ['knows only the older spelling', ' -j4 --jobserver-auth=3,4', [], guess, '00254a'],
    ['reads nothing behind --', ' -j4 -- --jobserver-fds=3,4', [], guess, '00254a'],
    ['is not parallel without -j', 'k --jobserver-fds=3,4', [], 'x', '2b2b2b'],
    ['finds j among the letters of the first word', 'kj --jobserver-fds=3,4', [], '-j4 x', '2b2b2b'],
    ['leaves it to ninja to guess', ' -j4', ['--ninja'], 'x', '00254a'],
    ['keeps ninja from being parallel by itself', '', ['--ninja'], '-j1 x', '00254a'],
  ])('%s', async ([, makeflags, options, printed, left]) => {
    const jobserver = pipeJobserver(distinctTokens(3))
    const command = ['env', `MAKEFLAGS=${makeflags}`, compiled('makeparallel'), ...options, 'echo', 'x']
    expect(await run(jobserver.around(command))).toMatchObject({ code: 0, stdout: `${printed}\n` })
    expect(jobserver.report()).toMatchObject({ tokens: left, flagsAfter: [0, 1] })
  })

  test('ends as its command did', async () => {
    expect(await run([compiled('makeparallel'), 'sh', '-c', 'exit 7'])).toMatchObject({ code: 7 })
  })
})
