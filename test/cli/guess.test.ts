import { describe, expect, test } from 'vitest'
import { closest } from '../../src/cli/guess.ts'

describe('closest', () => {
  const options = ['jobs', 'pool', 'max', 'max-load', 'timeout', 'timeout-status', 'help', 'no-wait']

  test.for<[string, string | undefined]>([
    ['job', 'jobs'],
    ['jobss', 'jobs'],
    ['pol', 'pool'],
    ['polo', 'pool'],
    ['ma', 'max'],
    ['mxa', 'max'],
    ['time', 'timeout'],
    ['tiemuot', 'timeout'],
    ['nowait', 'no-wait'],
    ['max-laod', 'max-load'],
    ['', undefined],
    ['j', undefined],
    ['x', undefined],
    ['hilfe', undefined],
    ['nonsense', undefined],
    ['jobs-and-more', undefined],
    ['__proto__', undefined],
  ])('%s', ([word, meant]) => {
    expect(closest(word, options)).toBe(meant)
  })

  test('of two that begin alike, neither', () => {
    expect(closest('re', ['release', 'resize'])).toBeUndefined()
  })
})
