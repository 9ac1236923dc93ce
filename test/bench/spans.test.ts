import { describe, expect, it } from 'vitest'
// @ts-expect-error It is JavaScript, as all of the bench is.
import { summary } from '../../bench/spans.mjs'

describe('the summary of spans', () => {
  it('counts jobs, the most at once, and the average over the whole time', () => {
    const text = 'B 1000 1 a\nB 1400 2 b\nE 1600 1 a\nE 2000 2 b\n'
    expect(summary(text)).toEqual({
      jobs: 2,
      peak: 2,
      average: 1.2,
      ends: [
        { label: 'a', at: 600 },
        { label: 'b', at: 1000 },
      ],
    })
  })

  it('takes one that ends in the instant in which another begins as over, whatever was written first', () => {
    expect(summary('B 0 1 a\nB 5 2 b\nE 5 1 a\nE 9 2 b\n').peak).toBe(1)
  })

  it('puts lines in order that were written a little late', () => {
    expect(summary('B 0 1 a\nE 5 1 a\nB 3 2 b\nE 9 2 b\n').peak).toBe(2)
  })

  it('compares times of a machine that is up for years exactly', () => {
    expect(summary('B 90071992547409931 1 a\nE 90071992547409932 1 a\n').average).toBe(1)
  })

  it('says nothing of a job that was killed, but that it was', () => {
    expect(() => summary('B 0 1 a\nB 1 2 b\nE 2 2 b\n')).toThrow('1 jobs have begun and not ended')
  })

  it('refuses what is no span', () => {
    expect(() => summary('B 0 1 a\ncc: error\n')).toThrow('not a line of a span: cc: error')
  })

  it('is empty where nothing ran', () => {
    expect(summary('')).toEqual({ jobs: 0, peak: 0, average: 0, ends: [] })
  })
})
