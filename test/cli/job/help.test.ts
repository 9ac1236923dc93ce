import { describe, expect, test } from 'vitest'
import { jobslot } from '../recipes.ts'
import { jobs } from './jobs.ts'

const commands = [
  ...['add', 'list', 'show', 'wait', 'cancel', 'retry', 'remove', 'log', 'pause', 'resume', 'stats', 'verify'],
  ...['compact', 'work'],
]

/** The long options that a help text names. */
const optionsIn = (text: string) => new Set(text.match(/--[a-z-]+[a-z]/g))

describe('help', () => {
  test.for([
    ['job', '--help'],
    ['job', '-h'],
    ['job', 'help'],
    ['help', 'job'],
    ['--help', 'job'],
  ])('jobslot %s %s names each command', async (words) => {
    const { code, stdout, stderr } = await jobslot(words)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^  jobslot job ${command} `, 'm'))
    expect(stdout).toContain('JOBSLOT_STORE')
  })

  test.for(commands)('of job %s, asked for in five ways, is the same', { timeout: 20_000 }, async (command) => {
    const ways = [
      ['job', command, '--help'],
      ['job', command, '-h'],
      ['job', 'help', command],
      ['job', '--help', command],
      ['help', 'job', command],
    ]
    const texts = await Promise.all(ways.map((words) => jobslot(words)))
    for (const { code, stderr } of texts) expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(new Set(texts.map(({ stdout }) => stdout)).size).toBe(1)
    const [{ stdout }] = texts as [(typeof texts)[number]]
    expect(stdout).toMatch(new RegExp(`^jobslot job ${command} `))
    expect(stdout).toContain('--dir')
    // An example.
    expect(stdout).toMatch(new RegExp(`\\n {2}\\S.*jobslot job ${command}\\b|\\n {2}jobslot job ${command}\\b`))
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(120)
  })

  test.for<[string, string[]]>([
    [
      'add',
      [
        ...['--priority', '--delay', '--at', '--after', '--attempts', '--backoff', '--key', '--ttl', '--timeout'],
        ...['--keep', '--log'],
      ],
    ],
    ['list', ['--state', '--json']],
    ['show', ['--json']],
    ['wait', ['--timeout']],
    ['cancel', ['--grace']],
    ['log', ['--follow']],
    ['stats', ['--json']],
    ['verify', ['--json']],
  ])('of job %s names its options', async ([command, options]) => {
    const { stdout } = await jobslot(['job', command, '--help'])
    expect([...optionsIn(stdout)]).toEqual(expect.arrayContaining(options))
  })

  test('of the command line names it', async () => {
    const { stdout } = await jobslot(['--help'])
    expect(stdout).toMatch(/^ {2}jobslot job add -- cmd /m)
    expect(stdout).toContain('JOBSLOT_STORE')
  })

  test('wins over what else is there, and belongs to the command behind --', async () => {
    const { job, inStore } = jobs()
    expect(await job(['wait', 'nonsense', '--help'])).toMatchObject({ code: 0, stderr: '' })
    expect(await job(['add', '--', 'make', '--help'])).toMatchObject({ code: 0, stdout: '1\n' })
    expect((await inStore((store) => store.get(1)))?.request).toMatchObject({ cmd: ['make', '--help'] })
  })

  test.for([
    ['help', 'job', 'nonsense'],
    ['--help', 'job', 'constructor'],
    ['job', 'help', '__proto__'],
  ])('%s %s %s is wrong use', async (words) => {
    const { code, stdout, stderr } = await jobslot(words)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toMatch(
      new RegExp(`^jobslot: job: unknown command "${words[2]}"; there are .*: see jobslot .*--help\n$`),
    )
  })
})

describe('a command that is none', () => {
  test.for<[string[], string]>([
    [
      ['job'],
      'jobslot: job: there are add, list, show, wait, cancel, retry, remove, log, pause, resume, stats, verify, compact and work: see jobslot job --help\n',
    ],
    [['job', 'ls'], 'jobslot: job: unknown command "ls"; was jobslot job list meant? See jobslot job --help\n'],
    [
      ['job', 'toString'],
      'jobslot: job: unknown command "toString"; there are add, list, show, wait, cancel, retry, remove, log, pause, resume, stats, verify, compact and work: see jobslot job --help\n',
    ],
    [['jobs'], 'jobslot: unknown command "jobs"; was jobslot job list meant? See jobslot --help\n'],
  ])('%s', async ([words, stderr]) => {
    expect(await jobslot(words)).toEqual({ code: 64, signal: null, stdout: '', stderr })
  })
})
