import { expect, test } from 'vitest'
import { lastLines, Tail } from '../../../src/cli/job/runner/output.ts'
import { inWords, summary } from '../../../src/cli/job/runner/reports.ts'
import { addRunMark, addWorkerMark, runsIn, workersIn } from '../../../src/cli/job/runner/run-marks.ts'
import { parseWork } from '../../../src/cli/job/runner/words.ts'

const nothing = {
  dir: undefined,
  slots: null,
  pool: undefined,
  module: null,
  command: [],
  drain: false,
  grace: 10_000,
  verbose: false,
  json: false,
}

test.for([
  [[], {}],
  [['--slots', '3', '--drain'], { slots: 3, drain: true }],
  [['-j3'], { slots: 3 }],
  [['--pool', 'ci', '--dir', 'd', '--json'], { pool: 'ci', dir: 'd', json: true }],
  [['--grace', '500ms', '-v', '--', 'cmd', '-v'], { grace: 500, verbose: true, command: ['cmd', '-v'] }],
  [['--module', 'm.js'], { module: 'm.js' }],
] as const)('job work %j', ([words, asked]) => {
  expect(parseWork([...words])).toEqual({ ...nothing, ...asked })
})

test.for([
  [['--slots', '0'], /--slots takes a whole number from 1/],
  [['--slots', '2', '--pool', 'ci'], /exclude each other/],
  [['--pool', ''], /empty name/],
  [['--module', 'm', '--', 'cmd'], /exclude each other/],
  [['cmd'], /takes no word "cmd" before --/],
  [['--'], /no command behind --/],
  [['--grace', 'soon'], /--grace takes a time/],
  [['--nonsense'], /nonsense/],
] as const)('wrong use: %j', ([words, message]) => {
  expect(() => parseWork([...words])).toThrow(message)
})

test('help', () => {
  expect(parseWork(['--help'])).toBeNull()
})

test('marks of runs', () => {
  const outer = addRunMark(undefined, 'abc', { id: 7, attempt: 2 })
  expect(outer).toBe('abc abc/7@2')
  const both = addRunMark(outer, 'def', { id: 1, attempt: 1 })
  expect(runsIn(both, 'abc')).toEqual([{ id: 7, attempt: 2 }])
  expect(runsIn(both, 'def')).toEqual([{ id: 1, attempt: 1 }])
  const worker = addWorkerMark(both, 'def', { pid: 12, startTime: '345' })
  expect(workersIn(worker, 'def')).toEqual([{ pid: 12, startTime: '345' }])
  expect(workersIn(worker, 'abc')).toEqual([])
  expect(runsIn(worker, 'abc')).toEqual([{ id: 7, attempt: 2 }])
  let deep = ''
  for (let i = 1; i < 100; i++) deep = addRunMark(deep, 'x', { id: i, attempt: 1 })
  expect(deep.split(' ').length).toBe(32)
  expect(runsIn(deep, 'x').at(-1)).toEqual({ id: 99, attempt: 1 })
})

test.for([
  [{ state: 'fulfilled', error: null, attempt: 1 }, 'job 7 was fulfilled after 12 ms'],
  [{ state: 'failed', error: 'exit status 1: no\nmore', attempt: 1 }, 'job 7 failed after 12 ms: exit status 1: no'],
  [{ state: 'delayed', error: 'why', attempt: 2 }, 'job 7, attempt 2, ended, to be run again, after 12 ms: why'],
  [{ state: null, error: null, attempt: 1 }, 'job 7 was removed after 12 ms'],
  [{ state: 'failed', error: 'a\x1b[31m', attempt: 1 }, 'job 7 failed after 12 ms: a\\u001b[31m'],
] as const)('a run in words: %j', ([run, text]) => {
  expect(inWords({ ...run, id: 7, ms: 12.3 })).toBe(text)
})

test('a summary', () => {
  const counts = { fulfilled: 2, failed: 0, cancelled: 0 }
  expect(summary(counts, [], 61_000)).toBe('2 jobs in 1m1s: 2 fulfilled')
  expect(summary({ ...counts, failed: 2, cancelled: 1 }, [4, 5], 1000)).toBe(
    '5 jobs in 1s: 2 fulfilled, 2 failed (4, 5: see jobslot job log), 1 cancelled',
  )
  expect(summary({ ...counts, failed: 3 }, [4, 5], 1000)).toMatch(/3 failed \(…, 4, 5: see/)
})

test('the end of an output', () => {
  const tail = new Tail(5)
  for (const text of ['ab', 'cdefgh', 'i', '']) tail.push(Buffer.from(text))
  expect(tail.take().toString()).toBe('efghi')
  expect(tail.length).toBe(9)
  expect(new Tail(5).take().length).toBe(0)
  expect(lastLines('a\nb\nc\n\n', 2)).toBe('b\nc')
  expect(lastLines('', 2)).toBe('')
})
