import { expect, test } from 'vitest'
import { twoAtOnce } from './job-check.ts'

test.each([
  ['one after the other', ['begin 1 7', 'end 1 7', 'begin 2 8', 'end 2 8'], []],
  ['several at once', ['begin 1 7', 'begin 1 8', 'begin 2 9', 'end 1 7'], []],
  ['once more after a kill', ['begin 1 7', 'kill 1', 'begin 2 7', 'end 2 7'], []],
  ['once more after its end', ['begin 1 7', 'end 1 7', 'begin 2 7'], []],
  ['two at once', ['begin 1 7', 'begin 2 7', 'end 1 7'], ['2 and 1 both run job 7']],
  ['two at once after a kill', ['begin 1 7', 'kill 1', 'begin 2 7', 'begin 3 7'], ['3 and 2 both run job 7']],
])('%s', (_, lines, problems) => {
  expect(twoAtOnce(lines)).toEqual(problems)
})
