import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cli } from '../support/cli.ts'
import { run, tempDir } from '../support/processes.ts'
import { jobslot, requireProgram } from './recipes.ts'

const commands = ['run', 'acquire', 'release', 'status', 'resize', 'remove', 'doctor', 'lock', 'locks']

/** Each way in which a command comes to run, as the words before it. */
const ways = [
  ['run', '-j2', '--'],
  ['acquire', '--'],
  ['acquire', '-c', '2', '--'],
  ['lock', 'it', '--'],
]

describe.for(ways)('jobslot %s %s %s', (...args) => {
  const words = args[0] as string[]

  test('ends with the status of the command', async () => {
    for (const status of [0, 1, 2, 7, 64, 75, 127, 128, 143, 255]) {
      expect(await jobslot([...words, 'sh', '-c', `exit ${status}`])).toMatchObject({ code: status, signal: null })
    }
  })

  test('ends by the signal that ended the command', async () => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGABRT'] as const) {
      const result = await jobslot([
        ...words,
        'sh',
        '-c',
        `ulimit -c 0; kill -${constants.signals[signal]} $$; sleep 9`,
      ])
      expect(result).toMatchObject({ code: null, signal })
    }
  })

  test('ends as a shell would where Node does not let it end by the signal', async () => {
    for (const signal of ['SIGPIPE', 'SIGUSR1'] as const) {
      const result = await jobslot([...words, 'sh', '-c', `kill -${constants.signals[signal]} $$; sleep 9`])
      expect([signal, `${result.code ?? result.signal}`]).toEqual([signal, `${128 + constants.signals[signal]}`])
    }
  })

  test('127: the command is not found', async () => {
    const { code, stdout, stderr } = await jobslot([...words, 'no-such-command', 'x'])
    expect({ code, stdout, stderr }).toEqual({
      code: 127,
      stdout: '',
      stderr: 'jobslot: no-such-command: command not found\n',
    })
  })

  test('126: the command cannot be run', async () => {
    const folder = tempDir()
    writeFileSync(join(folder, 'text'), 'no program\n')
    for (const [path, why] of [
      [folder, 'it is a folder'],
      [join(folder, 'text'), 'this user may not execute it (EACCES): chmod +x'],
      [join(folder, 'text', 'below'), 'ENOTDIR'],
      [join(folder, 'x'.repeat(5000)), 'ENAMETOOLONG'],
    ]) {
      const { code, stderr } = await jobslot([...words, path!])
      expect({ code, stderr }).toEqual({
        code: 126,
        stderr: `jobslot: ${path} cannot be run: ${why}\n`,
      })
    }
  })
})

test('126: what the command would be told is too much for any', async () => {
  // Nothing in the environment may be longer than 128 KiB.
  const env = { MAKEFLAGS: `k -- A=${'x'.repeat(131_050)}` }
  const { code, stderr } = await jobslot(['run', '-j2', '--', 'true'], { env })
  expect({ code, stderr }).toEqual({ code: 126, stderr: 'jobslot: true cannot be run: E2BIG\n' })
})

describe('64: wrong use', () => {
  const ALL = 'run, acquire, release, status, resize, remove, doctor, lock, locks and job'
  const noneCalled = (word: string) =>
    `unknown command "${word}"; there are ${ALL}; a command to run stands behind one: jobslot run -- ${word}`

  test.for<[string[], string]>([
    [[], `no command was given; there are ${ALL}`],
    [['nonsense'], noneCalled('nonsense')],
    [['constructor'], noneCalled('constructor')],
    [['make'], noneCalled('make')],
    [['rnu'], 'unknown command "rnu"; was jobslot run meant?'],
    [['pools'], 'unknown command "pools"; was jobslot status meant?'],
    [['--versoin'], 'unknown command "--versoin"; was jobslot --version meant?'],
    [['--nonsense'], 'unknown command "--nonsense"'],
    [['-j4', 'make'], 'unknown command "-j4"; was jobslot run -j4 meant?'],
    [['run'], 'run: no command was given to run'],
    [['run', '-j4'], 'run: no command was given to run'],
    [['run', '-j4', '--'], 'run: no command was given to run'],
    [['-j4', '--', 'make'], 'unknown command "-j4"; was jobslot run -j4 meant?'],
    [['run', '-j', '--', 'make'], '-j needs a value'],
    [['run', '-j'], '-j needs a value'],
    [['run', '-j', 'x', 'true'], '-j takes a whole number from 1 to 65536, not "x"'],
    [['run', '-j0', 'true'], '-j takes a whole number from 1 to 65536, not "0"'],
    [['run', '--jobs=65537', 'true'], '-j takes a whole number from 1 to 65536, not "65537"'],
    [['run', '--jobs=', 'true'], '-j takes a whole number from 1 to 65536, not ""'],
    [['run', '--style', 'semaphore', 'true'], 'run: --style is auto, fifo or pipe, not "semaphore"'],
    [['run', '--nonsense', 'true'], 'unknown option --nonsense'],
    [['run', '--pol', 'ci', 'true'], 'unknown option --pol; was --pool meant?'],
    [['run', '-j', '-1', 'true'], '-j takes a whole number from 1 to 65536, not "-1"'],
    [['run', '-c2', 'true'], 'unknown option -c'],
    [['acquire'], 'acquire: no command was given to run in the slot'],
    [['acquire', '-c', '2', '--'], 'acquire: no command was given to run in the slot'],
    [['acquire', '-c', '0', 'true'], '--count takes a number of slots such as 4, or MIN..MAX such as 1..8, not "0"'],
    [
      ['acquire', '-c', '4..2', 'true'],
      '--count takes a number of slots such as 4, or MIN..MAX such as 1..8, not "4..2"',
    ],
    [['acquire', '-w', 'soon', 'true'], '--timeout takes a time such as 500ms, 10s, 2m, 1h or 7d, not "soon"'],
    [['acquire', '-w', '1', '-n', 'true'], 'acquire: --no-wait and --timeout exclude each other'],
    [['acquire', '-E', '256', 'true'], '-E takes a whole number from 0 to 255, not "256"'],
    [['acquire', '-E', 'x', 'true'], '-E takes a whole number from 0 to 255, not "x"'],
    [['acquire', '-c', '--', 'true'], '-c needs a value'],
    [
      ['run', '--pool', 'ci', '-j4', 'true'],
      "run: -j is the size of a pool of the command's own; use --max 4 for what it may have of pool ci",
    ],
    [['run', '--pool', '', 'true'], 'run: --pool has an empty name'],
    [['run', '--max', '0', 'true'], '--max takes a whole number from 1 to 65536, not "0"'],
    [['run', '--priority', 'high', 'true'], '--priority takes a whole number, 0 for those without one, not "high"'],
    [['run', '--weight', '0', 'true'], '--weight takes a number from 0.01 to 1000, 1 for those without one, not "0"'],
    [['run', '--max-load', '0', 'true'], '--max-load takes a load average such as 16 or 7.5, or none, not "0"'],
    [['run', '--min-memory', '2', 'true'], '--min-memory takes an amount such as 512M or 2G, or none, not "2"'],
    [['acquire', '--pool=', 'true'], 'acquire: --pool has an empty name'],
    [['acquire', '--for', 'me'], '--for takes a whole number from 1 to 4194304, not "me"'],
    [
      ['acquire', '--for', '1', 'true'],
      'acquire: --for holds the slot for a process that runs already, so it takes no command',
    ],
    [['release'], 'release: no slot was named, which jobslot acquire --for prints'],
    [['release', 'ci/1', 'ci'], 'release: "ci" is no id of a slot, which jobslot acquire --for prints'],
    [['status', 'ci'], 'status: what is meant by "ci"? A pool is named by --pool'],
    [['status', '--pool', ''], 'status: --pool has an empty name'],
    [['status', '--all', '--pool', 'ci'], 'status: --all and --pool exclude each other'],
    [['remove'], 'remove: which pool? jobslot remove --pool NAME'],
    [['remove', 'ci'], 'remove: which pool? jobslot remove --pool NAME'],
    [['resize', '4'], 'resize: which pool? jobslot resize --pool NAME N'],
    [['resize', '--pool', 'ci'], 'resize: how many slots? jobslot resize --pool ci N'],
    [['resize', '--pool', 'ci', 'many'], 'resize takes a whole number from 0 to 65536, not "many"'],
    [['resize', '--pool', 'ci', '4', '5'], 'resize: what is meant by "5"'],
    [['resize', '--pool', 'ci', '-1'], '-1 is no option, and no number here is below 0'],
    [['keep', '--for', '1'], noneCalled('keep')],
    [['doctor', 'true'], 'doctor: takes no command'],
    [['doctor', '--yaml'], 'unknown option --yaml'],
  ])('%j', async ([words, message]) => {
    const known = commands.includes(words[0] ?? '')
    expect(await jobslot(words)).toEqual({
      code: 64,
      signal: null,
      stdout: '',
      stderr: `jobslot: ${message}${message.endsWith('?') ? ' S' : ': s'}ee jobslot ${known ? `${words[0]} ` : ''}--help\n`,
    })
  })

  test('npm exec takes options for itself', async () => {
    const { code, stderr } = await jobslot(['acquire', '2', 'true'])
    expect(code).toBe(127)
    expect(stderr).toBe(
      'jobslot: 2: command not found (npm exec takes options for itself: use npx, or npm exec -- jobslot …)\n',
    )
  })
})

describe('69: a jobserver that cannot be used, with --strict', () => {
  const gone = { MAKEFLAGS: ' -j4 --jobserver-auth=fifo:/nonexistent/fifo' }

  test.for([['run'], ['acquire'], ['acquire', '-c', '1..4']])('jobslot %j', async (words) => {
    const strict = await jobslot([...words, '--strict', 'echo', 'ran'], { env: gone })
    expect(strict).toMatchObject({ code: 69, stdout: '' })
    expect(strict.stderr).toMatch(
      /^jobslot: the jobserver's FIFO \/nonexistent\/fifo does not exist: .* start the build anew\n$/,
    )
    const lenient = await jobslot([...words, 'echo', 'ran'], { env: gone })
    expect(lenient).toMatchObject({ code: 0, stdout: 'ran\n' })
    expect(lenient.stderr).toMatch(/^jobslot: the jobserver's FIFO .*; until then this goes on with one slot\n$/)
  })
})

describe('69: a state folder that cannot be used', () => {
  const cure = 'set JOBSLOT_DIR to a folder of your own'
  const MAKEFLAGS = ' -j4 --jobserver-auth=fifo:/nonexistent/fifo'

  const unusable: { name: string; make(dir: string): string; why: string }[] = [
    {
      name: 'a file',
      make(dir) {
        writeFileSync(join(dir, 'file'), '')
        return join(dir, 'file')
      },
      why: 'it is no folder',
    },
    {
      name: 'a folder below a file',
      make(dir) {
        writeFileSync(join(dir, 'file'), '')
        return join(dir, 'file', 'below')
      },
      why: 'it cannot be made (ENOTDIR)',
    },
    {
      name: 'a folder that anyone can write into',
      make(dir) {
        mkdirSync(join(dir, 'open'))
        chmodSync(join(dir, 'open'), 0o777)
        return join(dir, 'open')
      },
      why: 'anyone can write into it',
    },
    {
      name: 'a link to nothing',
      make(dir) {
        symlinkSync('/nonexistent', join(dir, 'link'))
        return join(dir, 'link')
      },
      why: 'nothing can be made in it (ENOENT)',
    },
    { name: 'a path that is not absolute', make: () => 'here', why: 'its path is not absolute' },
  ]

  test.for(unusable)('$name', async ({ make, why }) => {
    const JOBSLOT_DIR = make(tempDir())
    const cases = [
      await jobslot(['run', '-j2', 'touch', 'ran'], { env: { JOBSLOT_DIR } }),
      await jobslot(['acquire', 'touch', 'ran'], { env: { JOBSLOT_DIR, MAKEFLAGS } }),
    ]
    for (const { code, stdout, stderr } of cases) {
      expect({ code, stdout }).toEqual({ code: 69, stdout: '' })
      const [last] = stderr.trimEnd().split('\n').slice(-1)
      expect(last).toContain(`jobslot: jobslot's state folder ${JOBSLOT_DIR} cannot be used: ${why}`)
      expect(last).toMatch(new RegExp(`; ${cure}$`))
    }
    const doctor = await jobslot(['doctor'], { env: { JOBSLOT_DIR } })
    expect(doctor.stdout).toContain(`${JOBSLOT_DIR} cannot be used: ${why}; ${cure}`)
  })

  test('a folder that takes no entries, as only the attempt shows', async () => {
    for (const words of [['run'], ['acquire']]) {
      const { code, stderr } = await jobslot([...words, 'true'], { env: { JOBSLOT_DIR: '/proc', MAKEFLAGS } })
      expect(code).toBe(69)
      expect(stderr).toMatch(
        new RegExp(`jobslot's state folder /proc.* cannot be used: .* cannot be made in it.*; ${cure}\\n$`),
      )
    }
  })

  test('a folder that belongs to someone else', async (ctx) => {
    if (process.getuid?.() === 0) requireProgram('setpriv', ctx)
    const JOBSLOT_DIR = tempDir()
    chmodSync(JOBSLOT_DIR, 0o755)
    const command = [...cli, 'run', '-j2', 'touch', 'ran']
    // For root, nothing is forbidden; for others, the folder is made unwritable.
    const asOther = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : []
    if (asOther.length === 0) chmodSync(JOBSLOT_DIR, 0o555)
    const { code, stderr } = await run([...asOther, ...command], { env: { JOBSLOT_DIR } })
    expect({ code, stderr }).toEqual({
      code: 69,
      stderr: `jobslot: jobslot's state folder ${JOBSLOT_DIR} cannot be used: nothing can be made in it (EACCES); ${cure}\n`,
    })
  })
})
