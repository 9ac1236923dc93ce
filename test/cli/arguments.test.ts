import { describe, expect, test } from 'vitest'
import {
  parseCount,
  parseDuration,
  parseNumber,
  splitArguments,
  splitOperands,
  splitWithOperand,
} from '../../src/cli/arguments.ts'
import { UsageError } from '../../src/cli/exit-codes.ts'

const OPTIONS = {
  jobs: { type: 'string', short: 'j' },
  label: { type: 'string' },
  wait: { type: 'boolean', short: 'w' },
} as const

describe('splitArguments', () => {
  test.for<[string[], Record<string, unknown>, string[]]>([
    [[], {}, []],
    [['make'], {}, ['make']],
    [['--', 'make'], {}, ['make']],
    [['--'], {}, []],
    [['-j4', 'make'], { jobs: '4' }, ['make']],
    [['-j', '4', 'make'], { jobs: '4' }, ['make']],
    [['--jobs', '4', 'make'], { jobs: '4' }, ['make']],
    [['--jobs=4', 'make'], { jobs: '4' }, ['make']],
    [['-j4', '--', 'make'], { jobs: '4' }, ['make']],
    [['-wj4', 'make'], { wait: true, jobs: '4' }, ['make']],
    [['--label', 'a b', '-w', 'make'], { label: 'a b', wait: true }, ['make']],
    [['--label=', 'make'], { label: '' }, ['make']],
    [['--label', '-2', '-w', 'make', '--label', '-3'], { label: '-2', wait: true }, ['make', '--label', '-3']],
    [['-j1', '-j2', 'make'], { jobs: '2' }, ['make']],
    // Behind the first word of the command, all words are the command's.
    [['make', '-j4', '-w', '--help', '--nonsense'], {}, ['make', '-j4', '-w', '--help', '--nonsense']],
    [['-w', 'make', '-w'], { wait: true }, ['make', '-w']],
    [['-w', 'make', '--', '-w'], { wait: true }, ['make', '--', '-w']],
    [['--', '-w'], {}, ['-w']],
    [['--', '--', 'make'], {}, ['--', 'make']],
    [['-w', '--', '--label=x', '-j4'], { wait: true }, ['--label=x', '-j4']],
    [['sh', '-c', 'exit 1', ''], {}, ['sh', '-c', 'exit 1', '']],
    [['', 'x'], {}, ['', 'x']],
    [['-', 'x'], {}, ['-', 'x']],
  ])('%j', ([words, values, command]) => {
    expect(splitArguments(words, OPTIONS)).toEqual({ values, command })
  })

  test.for<[string[], RegExp]>([
    [['--nonsense', 'make'], /^unknown option --nonsense$/],
    [['-x', 'make'], /^unknown option -x$/],
    [['-wx', 'make'], /^unknown option -x$/],
    [['--wait=yes', 'make'], /^Option '-w, --wait' does not take an argument$/],
    [['-j'], /^-j needs a value$/],
    [['--label'], /^--label needs a value$/],
    [['-j', '--', 'make'], /^-j needs a value$/],
    [['--no-wait', 'make'], /^unknown option --no-wait$/],
  ])('%j is wrong use', ([words, message]) => {
    const split = () => splitArguments(words, OPTIONS)
    expect(split).toThrow(UsageError)
    expect(split).toThrow(message)
  })
})

describe('splitWithOperand', () => {
  test.for<[string[], string | undefined, Record<string, unknown>, string[]]>([
    [[], undefined, {}, []],
    [['-w'], undefined, { wait: true }, []],
    [['name'], 'name', {}, []],
    [['name', 'make'], 'name', {}, ['make']],
    [['name', '--', 'make'], 'name', {}, ['make']],
    [['name', '-w', 'make', '-w'], 'name', { wait: true }, ['make', '-w']],
    [['-w', 'name', 'make'], 'name', { wait: true }, ['make']],
    [['-j1', 'name', '-wj2', '--', 'make', '-j3'], 'name', { wait: true, jobs: '2' }, ['make', '-j3']],
    [['--', 'make', '-w'], undefined, {}, ['make', '-w']],
    [['-w', '--', 'make'], undefined, { wait: true }, ['make']],
    [['', 'make'], '', {}, ['make']],
  ])('%j', ([words, operand, values, command]) => {
    expect(splitWithOperand(words, OPTIONS)).toEqual({ operand, values, command })
  })

  test.for([[['--nonsense', 'name', 'make']], [['name', '--nonsense', 'make']]])('%j is wrong use', ([words]) => {
    expect(() => splitWithOperand(words!, OPTIONS)).toThrow(/^unknown option --nonsense$/)
  })
})

describe('splitOperands', () => {
  const table = {
    name: { type: 'string', short: 'n', multiple: true },
    least: { type: 'string' },
    quiet: { type: 'boolean' },
  } as const

  test.for<[string[], ReturnType<typeof splitOperands>]>([
    [[], { values: {}, operands: [], command: null }],
    [['7', '--quiet', '8'], { values: { quiet: true }, operands: ['7', '8'], command: null }],
    [['-n', 'a', '7', '--name=b'], { values: { name: ['a', 'b'] }, operands: ['7'], command: null }],
    [['7', '--least', '-2', '8'], { values: { least: '-2' }, operands: ['7', '8'], command: null }],
    [['7', '--', 'cmd', '--quiet'], { values: {}, operands: ['7'], command: ['cmd', '--quiet'] }],
    [['--', '--', '-2'], { values: {}, operands: [], command: ['--', '-2'] }],
    [['--'], { values: {}, operands: [], command: [] }],
    [['-'], { values: {}, operands: ['-'], command: null }],
  ])('%j', ([words, split]) => {
    const { values, ...rest } = splitOperands(words, table)
    expect({ values: { ...values }, ...rest }).toEqual(split)
  })

  test.for([['--nonsense'], ['7', '--least'], ['--quiet=1'], ['-x', '--', 'cmd']])('%j is wrong use', (words) => {
    expect(() => splitOperands(words, table)).toThrow(UsageError)
  })
})

describe('parseDuration', () => {
  test.for<[string, number]>([
    ['0', 0],
    ['0ms', 0],
    ['500ms', 500],
    ['1', 1000],
    ['10', 10_000],
    ['10s', 10_000],
    ['0.25', 250],
    ['1.5s', 1500],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['0.5h', 1_800_000],
    ['007s', 7000],
    ['1000h', 3_600_000_000],
    ['7d', 604_800_000],
  ])('%s is %i ms', ([text, ms]) => {
    expect(parseDuration(text, '--timeout')).toBe(ms)
  })

  test('is at most a hundred years', () => {
    expect(parseDuration('36500d', '--keep')).toBe(36_500 * 86_400_000)
    for (const text of ['36501d', '999999999999999h', '9'.repeat(400)]) {
      expect(() => parseDuration(text, '--keep')).toThrow(`--keep takes at most 36500d, not "${text}"`)
    }
  })

  test.for([
    '',
    ' ',
    's',
    '-1',
    '-1s',
    '+1s',
    '1 s',
    ' 1s',
    '1s ',
    '1S',
    '1min',
    '1w',
    '1e3',
    '.5',
    '1.',
    '0x10',
    'Infinity',
    '1,5',
    '1\n',
  ])('%j is wrong use', (text) => {
    const parse = () => parseDuration(text, '--timeout')
    expect(parse).toThrow(UsageError)
    expect(parse).toThrow(`--timeout takes a time such as 500ms, 10s, 2m, 1h or 7d, not "${text}"`)
  })
})

describe('parseCount', () => {
  test.for<[string, number, number]>([
    ['1', 1, 1],
    ['4', 4, 4],
    ['04', 4, 4],
    ['1..8', 1, 8],
    ['3..3', 3, 3],
    ['999999999', 999999999, 999999999],
  ])('%s', ([text, min, max]) => {
    expect(parseCount(text)).toEqual({ min, max })
  })

  test.for([
    '',
    '0',
    '-1',
    '1.5',
    '1e3',
    '0..4',
    '4..3',
    '1...8',
    '1..',
    '..8',
    '1-8',
    '1..8..9',
    ' 1',
    '1 ',
    '1234567890',
    '1\n',
    '٣',
  ])('%j is wrong use', (text) => {
    const parse = () => parseCount(text)
    expect(parse).toThrow(UsageError)
    expect(parse).toThrow('--count takes a number of slots such as 4, or MIN..MAX such as 1..8')
  })
})

describe('parseNumber', () => {
  const range = { min: 1, max: 255 }

  test.for<[string, number]>([
    ['1', 1],
    ['255', 255],
    ['007', 7],
  ])('%s', ([text, number]) => {
    expect(parseNumber(text, '-E', range)).toBe(number)
  })

  test.for(['', '0', '256', '-1', '+1', '1.0', '1e1', '0x1', ' 1', '1 ', '1\n', 'one', '99999999999999999999'])(
    '%j is wrong use',
    (text) => {
      const parse = () => parseNumber(text, '-E', range)
      expect(parse).toThrow(UsageError)
      expect(parse).toThrow(`-E takes a whole number from 1 to 255, not "${text}"`)
    },
  )
})
