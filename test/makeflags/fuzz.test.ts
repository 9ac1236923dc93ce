import { describe, expect, test } from 'vitest'
import type { Limit } from '../../src/makeflags/index.ts'
import { findMakeflags, parseMakeflags, rewriteMakeflags } from '../../src/makeflags/index.ts'

const TEXTS = 100_000

/** Pieces of make's own texts, pieces that nearly are, and what parts them. */
const PIECES = [
  ...[
    'k',
    'kn',
    'w',
    'j',
    'j8',
    '-j',
    '-j4',
    '-kj',
    '--jobs',
    '--jobs=',
    '-l',
    '-l2.5',
    '--max-load',
    '--load-average=',
  ],
  ...['--jobserver-auth=', '--jobserver-fds=', '--jobserver-auth', '--jobserver-style=', '--', '-- FOO=bar', '-Iproj8'],
  ...['3,4', '-2,-2', 'fifo:', 'fifo:/tmp/x', 'gmake_semaphore_1', '2147483648,1', '99999999999999999999', '1e999'],
  ...['-', '\\', '\\ ', '=', ',', '.', '$', '$$', '0', '9', 'n', '\n', '\0', 'ü', '\ud800', '…'],
  ...[' ', ' ', ' ', ' ', ' ', '\t', '  '],
]
const LIMIT: Limit = { auth: { style: 'fifo', path: '/a b\\c' }, jobs: 3 }

test(`${TEXTS} generated texts`, () => {
  const seed = Number(process.env.JOBSLOT_TEST_SEED ?? Date.now() % 2 ** 32)
  const random = randomFrom(seed)
  for (let i = 0; i < TEXTS; i++) {
    const text = i % 4 === 0 ? bytes(random) : pieces(random)
    try {
      check(text)
    } catch (cause) {
      throw new Error(`text ${JSON.stringify(text)}, repeat with JOBSLOT_TEST_SEED=${seed}`, { cause })
    }
  }
})

describe('a text longer than any environment variable can be', () => {
  // Linux ends a variable at 128 KiB. A way to read it whose time is not linear would take minutes.
  const LENGTH = 200_000
  const units = [
    ' ',
    '\t',
    'a',
    '\\',
    '\\ ',
    '-',
    '1',
    '$',
    '\ud800',
    'k ',
    '-j ',
    '-j 4 ',
    '-l ',
    '--jobs ',
    '= ',
    '-kj',
  ]

  test.each(units)('of %j', (unit) => {
    const text = unit.repeat(LENGTH / unit.length)
    const start = performance.now()
    for (const before of ['', '-j4 -l', '--jobserver-auth=', '--jobserver-auth=fifo:', '-- ']) {
      parseMakeflags(before + text)
      findMakeflags({ MFLAGS: before + text })
      rewriteMakeflags(before + text, LIMIT)
    }
    expect(performance.now() - start).toBeLessThan(20_000)
  })

  test('one word, where a regular expression with an alternative runs out of stack', () => {
    expect(() => parseMakeflags('a'.repeat(16_000_000))).not.toThrow()
  })
})

/** What must hold for any text. Without `expect`, which would take most of the time. */
function check(text: string): void {
  const { jobserver, problem, code, jobs, load, dryRun } = parseMakeflags(text)
  holds(typeof dryRun === 'boolean', 'dryRun')
  holds(jobs === null || (Number.isSafeInteger(jobs) && jobs >= 1), 'jobs')
  holds(load === null || (Number.isFinite(load) && load >= 0), 'load')
  holds((problem === null) === (code === null), 'a problem has a code')
  holds(problem === null || jobserver === null, 'what has a problem is not offered')
  if (problem !== null && code !== null) {
    holds(/^[^\n]+: [^\n]+$/.test(problem), problem)
    holds(/^ERR_JOBSLOT_(BAD_AUTH|BAD_DESCRIPTOR|WITHHELD)$/.test(code), code)
  }
  findMakeflags({ MFLAGS: text, MAKELEVEL: text })

  const limited = parseMakeflags(rewriteMakeflags(text, LIMIT))
  holds(
    JSON.stringify(limited.jobserver) === JSON.stringify(LIMIT.auth) && limited.jobs === LIMIT.jobs,
    'the new limit',
  )
  const scrubbed = parseMakeflags(rewriteMakeflags(text, null))
  holds(scrubbed.jobserver === null && scrubbed.problem === null && scrubbed.jobs === null, 'no limit')
  for (const rewritten of [limited, scrubbed]) holds(rewritten.dryRun === dryRun, 'dryRun after rewriting')
}

function holds(condition: boolean, what: string): void {
  if (!condition) throw new Error(what)
}

function pieces(random: () => number): string {
  let text = ''
  for (let left = below(random, 12); left > 0; left--) text += PIECES[below(random, PIECES.length)]
  return text
}

function bytes(random: () => number): string {
  return Buffer.from(Array.from({ length: below(random, 60) }, () => below(random, 256))).toString('latin1')
}

function below(random: () => number, end: number): number {
  return Math.floor(random() * end)
}

/** Xorshift: numbers in [0, 1) that a seed repeats. */
function randomFrom(seed: number): () => number {
  let state = seed | 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}
