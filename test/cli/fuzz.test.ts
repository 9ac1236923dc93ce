import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseSlotId } from '../../src/cli/acquire/slot-id.ts'
import { parseCount, parseDuration, parseNumber, parsePriority, parseWeight } from '../../src/cli/arguments.ts'
import { UsageError } from '../../src/cli/exit-codes.ts'
import { parseAdd } from '../../src/cli/job/add-words.ts'
import { commandOf } from '../../src/cli/job/command-request.ts'
import { parseIds } from '../../src/cli/job/ids.ts'
import { addRunMark, runsIn, workersIn } from '../../src/cli/job/runner/run-marks.ts'
import { parseWork } from '../../src/cli/job/runner/words.ts'
import { visible } from '../../src/cli/messages.ts'
import { parseRun } from '../../src/cli/run/run-words.ts'
import { optionsOf } from '../../src/store/calls/options.ts'
import { lineOf } from '../../src/store/format/line.ts'
import { edited, edits, forAll, fuzzTimeout, oddValues } from '../support/fuzz.ts'

const WORDS = [
  ...['--', '-', '-j', '-j4', '-j=4', '--slots', '--pool', 'ci', '--dir', '--dir=', '--help', '-h', '--json', '-v'],
  ...['--priority', '-2', '--priority=-2', '--delay', '10s', '0.5ms', '99999999d', '--at', '2030-01-31T18:30', '--at='],
  ...['2030-02-31 10:00', '2030-00-00 00:00', '9999-99-99', '0000-01-01 00:00Z', '--attempts', '0', '1e9', '--backoff'],
  ...['--after', '1,2', '1,,2', '9007199254740993', '--key', '', '--ttl', '--timeout', '--keep', '--log', '{"a":1}'],
  ...['--__proto__', '--constructor=1', '--no-json', '--timeout=', 'make', '--module', '\0', '\ud800', '\n', '--drain'],
  ...[
    '--weight',
    '1e3',
    '0.001',
    '--priority=99999',
    '--label',
    'x',
    '--max-load',
    'nan',
    '--grace',
    '1h',
    '--verbose',
  ],
]
const words = fc.array(fc.oneof({ arbitrary: fc.constantFrom(...WORDS), weight: 5 }, fc.string()), { maxLength: 8 })

/** A UsageError alone may be thrown. */
function refusing<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof UsageError && /^[^\n]+/.test(error.message)) return undefined
    throw error
  }
}

test(
  'any words are a command line or a UsageError; what is taken can be stored',
  () => {
    forAll(6000, words, (line) => {
      refusing(() => parseWork(line))
      refusing(() => parseRun(line))
      const plan = refusing(() => parseAdd(line, () => '/'))
      if (!plan || plan === 'help') return
      const options = optionsOf(plan.options, Date.now())
      if (!lineOf(JSON.stringify({ n: 1, t: 1, op: 'create', ...options, request: null }))) {
        throw new Error(`no line: ${JSON.stringify(options)}`)
      }
    })
  },
  fuzzTimeout,
)

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc
    .tuple(
      fc.constantFrom('500ms', '1.5h', '4', '1..8', '0.01', '-3', 'ci/7', 'keeper:12-345', '2030-01-31T18:30'),
      edits(2),
    )
    .map(([text, changes]) => String(edited(Buffer.from(text), changes)).slice(0, 400)),
)

test(
  'any text is a number of its kind or a UsageError',
  () => {
    forAll(6000, texts, (text) => {
      const ms = refusing(() => parseDuration(text, '--x')) ?? 0
      const { min, max } = refusing(() => parseCount(text)) ?? { min: 1, max: 1 }
      const number = refusing(() => parseNumber(text, '--x', { min: 0, max: 9 })) ?? 0
      const ids = refusing(() => parseIds([text], 'job show')) ?? []
      const weight = refusing(() => parseWeight(text)) ?? 1
      const priority = refusing(() => parsePriority(text)) ?? 0
      refusing(() => parseSlotId(text))
      if (!(ms >= 0 && ms <= 36_500 * 86_400_000)) throw new Error(`${ms} ms`)
      if (!(Number.isSafeInteger(min) && min >= 1 && max >= min && number >= 0 && number <= 9)) throw new Error('count')
      if (!(weight >= 0.01 && weight <= 1000 && Math.abs(priority) <= 9999)) throw new Error('weight')
      if (!ids.every((id) => Number.isSafeInteger(id) && id > 0)) throw new Error('id')
    })
  },
  fuzzTimeout,
)

test('marks of runs in any text, and requests of any kind', () => {
  forAll(3000, fc.tuple(texts, edits(2), oddValues), ([text, changes, odd]) => {
    const marks = edited(Buffer.from(addRunMark(text, 'abc', { id: 7, attempt: 1 })), changes).toString()
    for (const { id, attempt } of runsIn(marks, 'abc')) if (!(id >= 0 && attempt >= 0)) throw new Error(marks)
    workersIn(marks, 'abc')
    const command = commandOf({ cmd: odd, cwd: odd, log: odd })
    if (command && !(command.cmd.every((word) => typeof word === 'string') && typeof command.cwd === 'string'))
      throw new Error('no command')
    for (const control of '\n\r\u001b\u0007\u009b') expect(visible(text)).not.toContain(control)
  })
})
