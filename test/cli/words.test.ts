import { describe, expect, test } from 'vitest'
import { parseAcquire } from '../../src/cli/acquire/acquire-words.ts'
import { keeperId, parseSlotId } from '../../src/cli/acquire/slot-id.ts'
import { parseWeight } from '../../src/cli/arguments.ts'
import { UsageError } from '../../src/cli/exit-codes.ts'
import { limitsAfter, parseGovernor } from '../../src/cli/governor-words.ts'
import { quoted } from '../../src/cli/run/run-as-member.ts'
import { parseRun } from '../../src/cli/run/run-words.ts'

describe('the words of run', () => {
  test('all of them', () => {
    const words = ['--pool', 'ci', '--max=3', '--label', 'it', '--priority', '-2', '--weight', '0.5', '--style=fifo']
    expect(parseRun([...words, '--strict', '--max-load', '7.5', '--', 'make', '-j4'])).toEqual({
      command: ['make', '-j4'],
      jobs: null,
      most: 3,
      pool: 'ci',
      label: 'it',
      priority: -2,
      weight: 0.5,
      governor: { maxLoad: 7.5 },
      style: 'fifo',
      strict: true,
    })
  })

  test('none of them', () => {
    expect(parseRun(['make', 'all'])).toEqual({
      command: ['make', 'all'],
      jobs: null,
      most: null,
      pool: undefined,
      label: 'make all',
      priority: 0,
      weight: 1,
      governor: {},
      style: 'auto',
      strict: false,
    })
  })

  test('of -j and --max the smaller', () => {
    expect(parseRun(['-j4', '--max', '2', 'make'])?.most).toBe(2)
    expect(parseRun(['-j4', '--max', '8', 'make'])?.most).toBe(4)
  })
})

describe('the words of acquire', () => {
  test('--for takes a process and no command', () => {
    expect(parseAcquire(['--for', '12', '--pool', 'ci', '-c2..3'])).toMatchObject({
      ...{ forPid: 12, pool: 'ci', min: 2, max: 3, command: [], label: 'for process 12' },
    })
  })

  test('the label is the command unless it is given', () => {
    expect(parseAcquire(['vitest', 'run'])?.label).toBe('vitest run')
    expect(parseAcquire(['--label', 'x', 'vitest'])?.label).toBe('x')
  })
})

describe('the governor', () => {
  test.for<[Record<string, string>, object]>([
    [{}, {}],
    [{ 'max-load': '16' }, { maxLoad: 16 }],
    [{ 'min-memory': '2G' }, { minMemory: 2 * 2 ** 30 }],
    [{ 'min-memory': '512MiB' }, { minMemory: 512 * 2 ** 20 }],
    [{ 'min-memory': '1.5g' }, { minMemory: 1.5 * 2 ** 30 }],
    [
      { 'max-pressure': '20%', 'max-load': 'none' },
      { maxPressure: 20, maxLoad: null },
    ],
  ])('%j is %j', ([words, governor]) => {
    expect(parseGovernor(words)).toEqual(governor)
  })

  test.for<[Record<string, string>]>([
    [{ 'max-load': '-1' }],
    [{ 'max-load': '1e3' }],
    [{ 'min-memory': '0M' }],
    [{ 'min-memory': '5' }],
    [{ 'max-pressure': '101' }],
    [{ 'max-pressure': '0' }],
    [{ 'max-pressure': '' }],
  ])('%j is wrong use', ([words]) => {
    expect(() => parseGovernor(words)).toThrow(UsageError)
  })

  test('what is not said stays', () => {
    expect(limitsAfter({ maxLoad: 4, minMemory: 5 }, { maxLoad: null, maxPressure: 10 })).toEqual({
      ...{ minMemory: 5, maxPressure: 10 },
    })
  })
})

describe('the id of a slot', () => {
  test.for<[string, object]>([
    ['ci/12', { kind: 'member', pool: 'ci', id: 12 }],
    ['my%20pool/1', { kind: 'member', pool: 'my%20pool', id: 1 }],
    [keeperId(12, '3456'), { kind: 'keeper', pid: 12, startTime: '3456' }],
  ])('%s', ([text, id]) => {
    expect(parseSlotId(text)).toEqual(id)
  })

  test.for(['', 'ci', 'ci/', '/1', 'ci/x', 'a b/1', '../x/1', 'keeper:1', 'keeper:0-1', 'keeper:1-2-3', 'ci/1 '])(
    '%j is none',
    (text) => {
      expect(() => parseSlotId(text)).toThrow(UsageError)
    },
  )
})

test.for<[string, number]>([
  ['0.01', 0.01],
  ['2', 2],
  ['1000', 1000],
])('weight %s', ([text, weight]) => {
  expect(parseWeight(text)).toBe(weight)
})

test.for(['0', '-1', 'x', '1001', '1e2', ''])('%j is no weight', (text) => {
  expect(() => parseWeight(text)).toThrow(UsageError)
})

test.for<[string, string]>([
  ['ci', 'ci'],
  ['my pool', "'my pool'"],
  ["it's", "'it'\\''s'"],
  ['a\nb', "'a\\nb'"],
])('pool %j as a word for a shell: %s', ([name, word]) => {
  expect(quoted(name)).toBe(word)
})
