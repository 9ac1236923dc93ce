import { expect, test } from 'vitest'
// @ts-expect-error: the bench is JavaScript
import { readOptions } from '../../bench/options.mjs'

test('all rows unless some are named', () => {
  expect(readOptions([])).toMatchObject({ only: [], quick: false, report: false })
  expect(readOptions(['--only', 'token', '--quick'])).toMatchObject({ only: ['token'], quick: true })
})

test.for([
  [['--only', 'nothing'], /no row "nothing".*token/],
  [['--report', '--quick'], /leave --quick out/],
  [['--report', '--only', 'token'], /leave --only out/],
  [['--render', 'a.json', '--quick'], /measures nothing/],
  [['--projects', 'a.json'], /--report or --render/],
  [['--nonsense'], /--nonsense/],
] as const)('%j is refused, with what to do', ([args, message]) => {
  expect(readOptions([...args])).toMatch(message)
})
