import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packageDir } from '../support/cli.ts'
import { jobslot } from './recipes.ts'

const commands = ['run', 'acquire', 'release', 'status', 'resize', 'remove', 'doctor', 'lock', 'locks']

/** The long options that a help text names. */
const optionsIn = (text: string) => new Set(text.match(/--[a-z-]+[a-z]/g))

describe('help', () => {
  test.for([['--help'], ['-h'], ['help']])('jobslot %s', async (words) => {
    const { code, stdout, stderr } = await jobslot(words)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  jobslot ${command} `, 'm'))
    for (const status of [64, 69, 70, 75, 126, 127]) expect(stdout).toContain(String(status))
  })

  test.for(commands)('of %s, asked for in five ways, is the same', async (command) => {
    const ways = [
      ['--help', command],
      ['-h', command],
      ['help', command],
      [command, '--help'],
      [command, '-h'],
    ]
    const texts = await Promise.all(ways.map((words) => jobslot(words)))
    for (const { code, stderr } of texts) expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(new Set(texts.map(({ stdout }) => stdout)).size).toBe(1)
    expect(texts[0]!.stdout).toMatch(new RegExp(`^jobslot ${command} (NAME |SLOT |--pool NAME )?(\\[|--pool NAME\n)`))
  })

  test.for<[string, string[]]>([
    [
      'run',
      [
        ...['--jobs', '--pool', '--max', '--label', '--priority', '--weight', '--style', '--strict'],
        ...['--max-load', '--min-memory', '--max-pressure'],
      ],
    ],
    [
      'acquire',
      [
        ...['--count', '--no-substitute', '--for', '--timeout', '--no-wait', '--timeout-status', '--strict'],
        ...['--pool', '--label', '--priority'],
      ],
    ],
    ['status', ['--pool', '--watch', '--json']],
    ['resize', ['--pool', '--max-load', '--min-memory', '--max-pressure']],
    ['doctor', ['--json']],
    ['lock', ['--shared', '--timeout', '--no-wait', '--timeout-status', '--label', '--dir']],
    ['locks', ['--json', '--dir']],
  ])('of %s names its options', async ([command, options]) => {
    const { stdout } = await jobslot([command, '--help'])
    expect([...optionsIn(stdout)]).toEqual(expect.arrayContaining(options))
  })

  test('fits into 120 columns', async () => {
    const texts = await Promise.all(['', ...commands].map((command) => jobslot(['help', command])))
    for (const { stdout } of texts) for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120)
  })

  test('wins over what else is there', async () => {
    expect(await jobslot(['acquire', '-c', 'nonsense', '--help', '--', 'x'])).toMatchObject({ code: 0, stderr: '' })
  })

  test('belongs to the command behind its first word', async () => {
    const { code, stdout } = await jobslot(['acquire', 'echo', '--help', '-n', '--version'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '--help -n --version\n' })
  })

  test.for([
    ['help', 'nonsense'],
    ['--help', 'constructor'],
    ['-h', '__proto__'],
  ])('%s %s is wrong use', async (words) => {
    const { code, stdout, stderr } = await jobslot(words)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toMatch(
      new RegExp(`^jobslot: unknown command "${words[1]}"; there are run, .*: see jobslot --help\n$`),
    )
  })
})

test.for(['--version', '-V'])('jobslot %s', async (word) => {
  const { version } = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8')) as { version: string }
  expect(await jobslot([word])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
})
