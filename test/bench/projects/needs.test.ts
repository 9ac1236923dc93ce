import { expect, it } from 'vitest'
// @ts-expect-error It is JavaScript, as all of the bench is.
import { isAtLeast } from '../../../bench/projects/needs.mjs'

it.each([
  ['4.4', '4.4', true],
  ['4.4.1', '4.4', true],
  ['4.10', '4.4', true],
  ['5.0', '4.4', true],
  ['4', '4.0', true],
  ['4.3', '4.4', false],
  ['3.9', '4.4', false],
  ['1.12.1', '1.13', false],
  ['unknown', '1.13', false],
])('%s is at least %s: %s', (version, least, is) => {
  expect(isAtLeast(version, least)).toBe(is)
})
