import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JobserverAuth, Limit } from '../../src/makeflags/index.ts'
import { parseMakeflags, rewriteMakeflags } from '../../src/makeflags/index.ts'

// When a property fails, fast-check prints the seed and the path that repeat it.

const anyText = fc.string({ unit: 'binary', maxLength: 40 })
const blank = fc.constantFrom(' ', '  ', '\t', '')

/** Pieces that make's own texts are made of, and pieces that nearly are. */
const fragment = fc.oneof(
  fc.constantFrom(
    'k',
    'kn',
    'j',
    'j8',
    '-j',
    '-j4',
    '-kj 3',
    '--jobs',
    '--jobs=2',
    '-l',
    '-l2.5',
    '--max-load',
    '4',
    '.',
  ),
  fc.constantFrom(
    '--',
    '-',
    '\\',
    '\\ ',
    '=',
    ',',
    '$$',
    'n',
    'FOO=bar',
    '-Iproj8',
    '--eval=A=1',
    '-Otarget',
    '\u0000',
  ),
  fc.constantFrom('--jobserver-auth', '--jobserver-fds', '--jobserver-style=pipe', '--jobserver-auth='),
  fc.constantFrom('fifo:', '/tmp/x', 'gmake_semaphore_1', '3,4', '-2,-2', '2147483648,1', '99999999999999999999'),
  fc
    .tuple(fc.constantFrom('--jobserver-auth=', '--jobserver-fds='), fc.oneof(anyText, fc.constant('3,4')))
    .map((p) => p.join('')),
  anyText,
)
const looseText = fc.array(fc.tuple(fragment, blank), { maxLength: 12 }).map((pairs) => pairs.flat().join(''))

const own = { noNullPrototype: true }
const auth: fc.Arbitrary<JobserverAuth> = fc.oneof(
  fc.record({ style: fc.constant('pipe'), read: fc.nat(), write: fc.nat() }, own),
  fc.record({ style: fc.constant('fifo'), path: fc.string({ unit: 'binary', minLength: 1 }) }, own),
  fc.record({ style: fc.constant('fifo'), path: fc.stringMatching(/^[/ \t\\$ab]+$/) }, own),
  fc.record({ style: fc.constant('semaphore'), name: fc.stringMatching(/^[a-z]{0,4}_[A-Za-z0-9_]{0,9}$/) }, own),
)
const limit: fc.Arbitrary<Limit> = fc.record({ auth, jobs: fc.option(fc.integer({ min: 1, max: 2 ** 31 - 1 })) })

describe('whatever the text was', () => {
  test('a rewritten text names the new jobserver, and says all else as before', () => {
    fc.assert(
      fc.property(looseText, limit, (text, limit) => {
        const { load, dryRun } = parseMakeflags(text)
        expect(parseMakeflags(rewriteMakeflags(text, limit))).toStrictEqual({
          jobserver: limit.auth,
          problem: null,
          code: null,
          jobs: limit.jobs,
          load,
          dryRun,
        })
      }),
      { numRuns: 3000 },
    )
  })

  test('a scrubbed text names none, and says all else as before', () => {
    fc.assert(
      fc.property(looseText, (text) => {
        const { load, dryRun } = parseMakeflags(text)
        expect(parseMakeflags(rewriteMakeflags(text, null))).toStrictEqual({
          jobserver: null,
          problem: null,
          code: null,
          jobs: null,
          load,
          dryRun,
        })
      }),
      { numRuns: 3000 },
    )
  })

  test('to rewrite twice is to rewrite once', () => {
    fc.assert(
      fc.property(looseText, limit, limit, (text, first, second) => {
        const once = rewriteMakeflags(text, second)
        expect(rewriteMakeflags(once, second)).toBe(once)
        expect(rewriteMakeflags(rewriteMakeflags(text, first), second)).toBe(once)
        expect(rewriteMakeflags(rewriteMakeflags(text, first), null)).toBe(rewriteMakeflags(text, null))
      }),
      { numRuns: 3000 },
    )
  })
})

test('the other flags and the variables come through unchanged', () => {
  const word = (...words: string[]) => fc.constantFrom(...words)
  const bundle = word('', 'k', 'kn', 'w', 'BerR')
  const kept = word(
    '-l2.5',
    '-Iinc',
    '-Iproj8',
    '--trace',
    '--eval=A=j8',
    '-Otarget',
    '-I\\ -j9',
    '--max-load=3',
    'A=--jobs',
  )
  const gone = word(
    '-j',
    '-j4',
    '-j 5',
    '--jobs',
    '--jobs=4',
    '--jobs 4',
    '--jobserver-auth=3,4',
    '--jobserver-auth=-2,-2',
  )
  const flag = fc.record({ text: fc.oneof(kept, gone), blank: word(' ', '  ', '\t') })
  const tail = word('', '--', '-- FOO=bar', '-- A=--jobserver-auth=9,9 -j9', '-- X=a\\ b  Y=\t-j1 ', '--\tZ')
  const isKept = (text: string) => !/^-j|^--jobs/.test(text)

  fc.assert(
    fc.property(bundle, fc.array(flag, { maxLength: 8 }), tail, limit, (bundle, flags, tail, limit) => {
      const text = `${bundle}${flags.map((flag) => flag.blank + flag.text).join('')} ${tail}`
      const words = [bundle, ...flags.map((flag) => flag.text).filter(isKept)]
      const scrubbed = [...words, ...(tail ? [tail] : [])].join(' ')
      expect(rewriteMakeflags(text, null)).toBe(scrubbed)

      const rewritten = rewriteMakeflags(text, limit)
      const start = `${words.join(' ')} -j${limit.jobs ?? ''} --jobserver-`
      expect(rewritten.slice(0, start.length)).toBe(start)
      expect(rewritten.endsWith(tail ? ` ${tail}` : '')).toBe(true)
    }),
    { numRuns: 3000 },
  )
})
