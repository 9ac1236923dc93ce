import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compiled } from './compile.ts'
import { run, start, tempDir, waitFor } from './processes.ts'
import { parseSpans, peak, readSpans, type Span } from './spans.ts'

const span = (begin: number, end: number | null): Span => ({
  pid: 1,
  label: 'job',
  begin: BigInt(begin),
  end: end === null ? null : BigInt(end),
})

describe('peak', () => {
  test.for<[string, [number, number | null][], number]>([
    ['nothing', [], 0],
    ['one job', [[1, 2]], 1],
    [
      'one after the other',
      [
        [1, 2],
        [3, 4],
      ],
      1,
    ],
    [
      'one begins as the other ends',
      [
        [1, 2],
        [2, 3],
      ],
      1,
    ],
    [
      'two overlap',
      [
        [1, 3],
        [2, 4],
      ],
      2,
    ],
    [
      'one inside another',
      [
        [1, 9],
        [2, 3],
        [4, 5],
      ],
      2,
    ],
    [
      'the order of the list does not matter',
      [
        [4, 6],
        [1, 5],
        [2, 3],
      ],
      2,
    ],
    [
      'three, two of them at a time',
      [
        [1, 4],
        [2, 6],
        [5, 8],
      ],
      2,
    ],
    [
      'a job without an end runs on',
      [
        [1, null],
        [5, 6],
        [7, null],
      ],
      2,
    ],
  ])('%s', ([, spans, expected]) => {
    expect(peak(spans.map(([begin, end]) => span(begin, end)))).toBe(expected)
  })

  test('is what counting at every beginning gives', () => {
    const anySpan = fc
      .tuple(fc.integer({ min: 0, max: 30 }), fc.option(fc.integer({ min: 1, max: 10 })))
      .map(([begin, length]) => span(begin, length === null ? null : begin + length))
    fc.assert(
      fc.property(fc.array(anySpan), (spans) => {
        const runningAt = (time: bigint) => spans.filter((s) => s.begin <= time && (s.end ?? time + 1n) > time).length
        expect(peak(spans)).toBe(Math.max(0, ...spans.map((s) => runningAt(s.begin))))
      }),
    )
  })
})

describe('parseSpans', () => {
  test('pairs a beginning with the end of the same process and label', () => {
    const text = 'B 10 7 a\nB 11 7 b\nE 12 7 a\nB 13 8 a b\nE 14 7 b\n'
    expect(parseSpans(text)).toEqual([
      { pid: 7, label: 'a', begin: 10n, end: 12n },
      { pid: 7, label: 'b', begin: 11n, end: 14n },
      { pid: 8, label: 'a b', begin: 13n, end: null },
    ])
  })

  test('a process number that comes again is another span', () => {
    expect(parseSpans('B 1 7 a\nB 2 7 a\nE 3 7 a\n')).toMatchObject([{ end: null }, { end: 3n }])
  })

  test.for(['X 1 2 a\n', 'B 1 a\n', 'E 1 2 a\n'])('refuses %j', (text) => {
    expect(() => parseSpans(text)).toThrow(/span/)
  })

  test('a file that is not there has no spans', () => {
    expect(readSpans('/nonexistent')).toEqual([])
  })
})

describe('job', () => {
  test('records three that run at once', async () => {
    const file = join(tempDir(), 'spans')
    const one = (label: string) => run([compiled('job'), file, '200', label])
    await Promise.all([one('a'), one('b'), one('c')])
    const spans = readSpans(file)
    expect(spans.map((s) => s.label).sort()).toEqual(['a', 'b', 'c'])
    for (const { begin, end } of spans) expect(end! - begin).toBeGreaterThanOrEqual(200_000_000n)
    expect(peak(spans)).toBe(3)
  })

  test('uses the clock that process.hrtime reads', async () => {
    const file = join(tempDir(), 'spans')
    const before = process.hrtime.bigint()
    await run([compiled('job'), file, '0'])
    const after = process.hrtime.bigint()
    const [recorded] = readSpans(file)
    expect(recorded!.begin).toBeGreaterThan(before)
    expect(recorded!.end).toBeLessThan(after)
  })

  test('a killed one has no end', async () => {
    const file = join(tempDir(), 'spans')
    const { child, pid, result } = start([compiled('job'), file, '60000'])
    await waitFor(() => readSpans(file).length === 1)
    child.kill('SIGKILL')
    await result
    expect(readSpans(file)).toMatchObject([{ pid, label: 'job', end: null }])
  })

  test('runs a command inside its span and ends as that did', async () => {
    const file = join(tempDir(), 'spans')
    const { code, stdout } = await run([compiled('job'), file, '0', 'outer', 'sh', '-c', `wc -l < ${file}; exit 3`])
    expect(code).toBe(3)
    expect(stdout.trim()).toBe('1')
    expect(readSpans(file)[0]!.end).not.toBeNull()
  })
})
