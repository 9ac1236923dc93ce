import { describe, expect, test } from 'vitest'
import type { JobserverAuth, Makeflags } from '../../src/makeflags/index.ts'
import { parseMakeflags } from '../../src/makeflags/index.ts'

const pipe = (read: number, write: number): JobserverAuth => ({ style: 'pipe', read, write })
const fifo = (path: string): JobserverAuth => ({ style: 'fifo', path })
const semaphore = (name: string): JobserverAuth => ({ style: 'semaphore', name })

/** What a text says where only this much is said. */
const says = (some: Partial<Makeflags>): Makeflags => ({
  jobserver: null,
  problem: null,
  code: null,
  jobs: null,
  load: null,
  dryRun: false,
  ...some,
})

describe('as printed by real programs', () => {
  test.each<[string, string, Partial<Makeflags>]>([
    ['make', '', {}],
    ['make 4.3 -j4', ' -j4 --jobserver-auth=3,4', { jobserver: pipe(3, 4), jobs: 4 }],
    ['make -j', ' -j', {}],
    ['make -j1', ' -j1', { jobs: 1 }],
    ['make -k', 'k', {}],
    ['make -kn', 'kn', { dryRun: true }],
    ['make 4.3 -j4 -k', 'k -j4 --jobserver-auth=3,4', { jobserver: pipe(3, 4), jobs: 4 }],
    ['make 4.3 -j4 -n', 'n -j4 --jobserver-auth=3,4', { jobserver: pipe(3, 4), jobs: 4, dryRun: true }],
    ['make 4.3 -j4 -k -n', 'kn -j4 --jobserver-auth=3,4', { jobserver: pipe(3, 4), jobs: 4, dryRun: true }],
    ['make -l2.5', ' -l2.5', { load: 2.5 }],
    ['make -l1000000', ' -l1e+06', { load: 1_000_000 }],
    ['make -j -l3', ' -j -l3', { load: 3 }],
    ['make 4.3 -j4 -l2.5', ' -j4 -l2.5 --jobserver-auth=3,4', { jobserver: pipe(3, 4), jobs: 4, load: 2.5 }],
    ['make FOO=x', ' -- FOO=x', {}],
    [
      'make 4.3 -j4 with variables',
      ' -j4 --jobserver-auth=3,4 -- BAZ=--jobserver-auth=9,9 FOO=bar',
      { jobserver: pipe(3, 4), jobs: 4 },
    ],
    ['make 4.3 with an include folder', 'k -Iinc -j4 --jobserver-auth=3,4', { jobserver: pipe(3, 4), jobs: 4 }],
    [
      'make 4.3 --no-print-directory --trace',
      ' -j4 --jobserver-auth=3,4 --trace --no-print-directory',
      { jobserver: pipe(3, 4), jobs: 4 },
    ],
    ['make 4.3, a sub-make', 'w -j2 --jobserver-auth=5,6', { jobserver: pipe(5, 6), jobs: 2 }],
    ['make 4.3 after "jobserver unavailable"', ' -j1', { jobs: 1 }],
    ['make 4.4.1 -j4', ' -j4 --jobserver-auth=fifo:/tmp/GMfifo4418', { jobserver: fifo('/tmp/GMfifo4418'), jobs: 4 }],
    [
      'make 4.4.1 with all',
      'k -j4 -l2.5 --jobserver-auth=fifo:/tmp/GMfifo4738 -- FOO=x',
      { jobserver: fifo('/tmp/GMfifo4738'), jobs: 4, load: 2.5 },
    ],
    [
      'make 4.4.1 -O -j2 --shuffle=5',
      ' -j2 -Otarget --jobserver-auth=fifo:/tmp/GMfifo19367 --shuffle=5 --sync-mutex=fnm:/tmp/GmmpT6ZU',
      { jobserver: fifo('/tmp/GMfifo19367'), jobs: 2 },
    ],
    [
      'make 4.4.1, TMPDIR with a space',
      ' -j4 --jobserver-auth=fifo:/tmp/t\\ mp/GMfifo4743',
      { jobserver: fifo('/tmp/t mp/GMfifo4743'), jobs: 4 },
    ],
    [
      'make 4.4.1, TMPDIR with a tab',
      ' -j2 --jobserver-auth=fifo:/tmp/b\\\ty/GMfifo5004',
      { jobserver: fifo('/tmp/b\ty/GMfifo5004'), jobs: 2 },
    ],
    [
      'make 4.4.1, TMPDIR with $ and a backslash',
      ' -j4 --jobserver-auth=fifo:/tmp/t$x\\\\y/GMfifo4753',
      { jobserver: fifo('/tmp/t$x\\y/GMfifo4753'), jobs: 4 },
    ],
    [
      'make 4.4.1, a relative TMPDIR',
      ' -j4 --jobserver-auth=fifo:relt/GMfifo4773',
      { jobserver: fifo('relt/GMfifo4773'), jobs: 4 },
    ],
    ['make 4.4.1 --jobserver-style=pipe', 'k -j4 --jobserver-auth=3,4', { jobserver: pipe(3, 4), jobs: 4 }],
    ['cargo 1.95 -j4', '-j --jobserver-fds=6,7 --jobserver-auth=6,7', { jobserver: pipe(6, 7) }],
    [
      'cargo 1.95 under make 4.4.1',
      '-j --jobserver-fds=fifo:/tmp/GMfifo6213 --jobserver-auth=fifo:/tmp/GMfifo6213',
      { jobserver: fifo('/tmp/GMfifo6213') },
    ],
    ['make 3.81', ' --jobserver-fds=3,4 -j', { jobserver: pipe(3, 4) }],
    [
      'make on Windows',
      ' -j4 --jobserver-auth=gmake_semaphore_1824',
      { jobserver: semaphore('gmake_semaphore_1824'), jobs: 4 },
    ],
    [
      'the Rust crate on Windows',
      '-j --jobserver-fds=__rust_jobserver_semaphore_2938 --jobserver-auth=__rust_jobserver_semaphore_2938',
      { jobserver: semaphore('__rust_jobserver_semaphore_2938') },
    ],
    [
      "ninja's pool script on Windows",
      ' -j8 --jobserver-auth=jobserver_pool',
      { jobserver: semaphore('jobserver_pool'), jobs: 8 },
    ],
  ])('%s: %j', (_program, text, expected) => {
    expect(parseMakeflags(text)).toStrictEqual(says(expected))
  })
})

describe('fact 1: the last word that names a jobserver wins', () => {
  test.each<[string, JobserverAuth]>([
    ['--jobserver-auth=3,4 --jobserver-auth=5,6', pipe(5, 6)],
    ['--jobserver-auth=3,4 --jobserver-fds=5,6', pipe(5, 6)],
    ['--jobserver-fds=3,4 --jobserver-auth=5,6', pipe(5, 6)],
    ['--jobserver-auth=10,42 --jobserver-fds=12,44 --jobserver-auth=fifo:/tmp/fifo', fifo('/tmp/fifo')],
    ['--jobserver-auth=-2,-2 --jobserver-auth=3,4', pipe(3, 4)],
    ['--jobserver-auth=nonsense --jobserver-auth=3,4', pipe(3, 4)],
    ['--jobserver-auth=03,004', pipe(3, 4)],
    ['--jobserver-auth=0,2147483647', pipe(0, 2147483647)],
    ['--jobserver-auth 3,4 -k', pipe(3, 4)],
  ])('%j', (text, jobserver) => {
    expect(parseMakeflags(text)).toStrictEqual(says({ jobserver }))
  })

  test.each([
    ' -j3 --jobserver-auth=3,4 --jobserver-auth=-2,-2',
    'k -j3 --jobserver-auth=3,4 --jobserver-auth=-2,-2 -- FOO=b',
    '-j3 --jobserver-auth=-1,42',
    '-j3 --jobserver-auth=10,-42',
    '-j3 --jobserver-fds=-99999999999999999999,4',
  ])('withheld by a negative descriptor: %j', (text) => {
    const flags = parseMakeflags(text)
    expect(flags).toMatchObject({ jobserver: null, code: 'ERR_JOBSLOT_WITHHELD', jobs: 3 })
    expect(flags.problem).toMatch(/^make keeps .*: mark the recipe line with '\+'/)
  })
})

describe('fact 2: whole words, until --', () => {
  test.each<[string, Partial<Makeflags>]>([
    ['-- --jobserver-auth=9,9', {}],
    [' -j4 -- --jobserver-auth=9,9 -j9', { jobs: 4 }],
    ['--eval=X=\\ --jobserver-auth=9,9', {}],
    ['FOO=--jobserver-auth=9,9', {}],
    ['-k X--jobserver-auth=9,9', {}],
    ['--jobserver-authority=9,9', {}],
    ['--jobserver-style=fifo', {}],
    ['-Iproj8 -Wl5', {}],
    ['k\t-j4\t--jobserver-auth=3,4', { jobserver: pipe(3, 4), jobs: 4 }],
    ['---j4 -', {}],
    ['--jobserver-auth=fifo:/a b', { jobserver: fifo('/a') }],
    ['--jobserver-auth=fifo:/a\\ b', { jobserver: fifo('/a b') }],
    // As a server writes it that knows no escapes.
    ['--jobserver-auth=fifo:/a\\b', { jobserver: fifo('/a\\b') }],
    ['--jobserver-auth=fifo:/a\\', { jobserver: fifo('/a\\') }],
    ['--jobserver-auth=fifo:/a\\\\\\ b\\\\', { jobserver: fifo('/a\\ b\\') }],
    ['--jobserver-auth=fifo:/$HOME/ü,3', { jobserver: fifo('/$HOME/ü,3') }],
    ['--jobserver-auth=fifo:3,4', { jobserver: fifo('3,4') }],
  ])('%j', (text, expected) => {
    expect(parseMakeflags(text)).toStrictEqual(says(expected))
  })
})

describe('fact 3: n in a first word without a dash means dry run', () => {
  test.each([
    ['n', true],
    [' n', true],
    ['kns --jobserver-auth=fifo:foo', true],
    ['nj8', true],
    ['-n', false],
    ['-one-flag --jobserver-auth=fifo:foo', false],
    ['-j4 n', false],
    ['k n', false],
    ['--no-print-directory', false],
    ['N=n', false],
    // The folder of -I, not a flag.
    ['kIinc', false],
  ])('%j: %j', (text, dryRun) => {
    expect(parseMakeflags(text).dryRun).toBe(dryRun)
  })
})

describe('-j and -l, in every way that make reads them', () => {
  test.each<[string, number | null]>([
    ['-j8', 8],
    ['-j 8', 8],
    ['--jobs=8', 8],
    ['--jobs 8', 8],
    ['j8', 8],
    ['kj8', 8],
    ['kj 8', 8],
    ['-kj8', 8],
    ['-j08', 8],
    ['-j2147483647', 2147483647],
    ['-j4 -j8', 8],
    ['-j4 --jobs=8', 8],
    ['-j4 -j', null],
    ['-j4 --jobs', null],
    ['-j -k 8', null],
    ['-j 8x', null],
    // Make 4.3 says that it needs a number, and goes on with what it had.
    ['-j4 -j0', 4],
    ['-j4 -j8x', 4],
    ['-j4 --jobs=', 4],
    ['-j4 -j2147483648', 4],
    ['k j8', null],
    ['-j-4', null],
  ])('%j: jobs %j', (text, jobs) => {
    expect(parseMakeflags(text)).toStrictEqual(says({ jobs }))
  })

  test.each<[string, number | null]>([
    ['-l2.5', 2.5],
    ['-l 2.5', 2.5],
    ['-l .5', 0.5],
    ['kl2', 2],
    ['--load-average=3', 3],
    ['--load-average 3', 3],
    ['--max-load=3', 3],
    ['--max-load 3', 3],
    ['-l2 -l', null],
    ['-l2 -lx', 2],
    ['-l2 -l1e999', 2],
    ['-l2 -l-1', 2],
    ['-l0', 0],
  ])('%j: load %j', (text, load) => {
    expect(parseMakeflags(text)).toStrictEqual(says({ load }))
  })
})

describe('a value that no jobserver can have', () => {
  test.each([
    ['ERR_JOBSLOT_BAD_AUTH', '', /^--jobserver-auth has no value: write/],
    ['ERR_JOBSLOT_BAD_AUTH', 'fifo:', /^--jobserver-auth=fifo: has no path: write/],
    ['ERR_JOBSLOT_BAD_AUTH', '3', /^--jobserver-auth=3 names no jobserver, .*: correct it/],
    ['ERR_JOBSLOT_BAD_AUTH', 'garbage', /^--jobserver-auth=garbage names no jobserver/],
    ['ERR_JOBSLOT_BAD_AUTH', '3,', /names no jobserver/],
    ['ERR_JOBSLOT_BAD_AUTH', ',4', /names no jobserver/],
    ['ERR_JOBSLOT_BAD_AUTH', ',', /names no jobserver/],
    ['ERR_JOBSLOT_BAD_AUTH', '3,4,5', /names no jobserver/],
    ['ERR_JOBSLOT_BAD_AUTH', '3,4\n', /names no jobserver/],
    ['ERR_JOBSLOT_BAD_AUTH', 'a,b', /names no jobserver/],
    ['ERR_JOBSLOT_BAD_AUTH', '3.5,4', /names no jobserver/],
    ['ERR_JOBSLOT_BAD_AUTH', '0x3,4', /names no jobserver/],
    ['ERR_JOBSLOT_BAD_AUTH', '--3,4', /names no jobserver/],
    ['ERR_JOBSLOT_BAD_AUTH', '-,4', /names no jobserver/],
    ['ERR_JOBSLOT_BAD_AUTH', 'FIFO:/tmp/x', /names no jobserver/],
    ['ERR_JOBSLOT_BAD_AUTH', '1_2', /names no jobserver/],
    ['ERR_JOBSLOT_BAD_AUTH', `a_${'b'.repeat(260)}`, /names no jobserver/],
    ['ERR_JOBSLOT_BAD_DESCRIPTOR', '2147483648,4', /has a number that no descriptor can have: correct it/],
    ['ERR_JOBSLOT_BAD_DESCRIPTOR', '3,99999999999999999999', /has a number that no descriptor can have/],
  ])('%s: %j', (code, value, problem) => {
    const flags = parseMakeflags(` -j4 --jobserver-auth=3,4 --jobserver-auth=${value}`)
    expect(flags).toMatchObject({ jobserver: null, code, jobs: 4 })
    expect(flags.problem).toMatch(problem)
  })

  test('the word without a value at all', () => {
    expect(parseMakeflags('--jobserver-fds')).toMatchObject({
      code: 'ERR_JOBSLOT_BAD_AUTH',
      problem: expect.stringMatching(/^--jobserver-fds has no value: /),
    })
  })

  test('a message is one short line without control characters', () => {
    const { problem } = parseMakeflags(`--jobserver-auth=\u001b[31m\n${'x'.repeat(1_000_000)}`)
    expect(problem!.length).toBeLessThan(250)
    expect(problem).not.toMatch(/\p{Cc}/u)
  })
})
