import { expect, test } from 'vitest'
import { addMark, memberOf, removeMark, removePool } from '../../src/pool/marks.ts'

test('marks are added behind the others, and what is none is left out', () => {
  expect(addMark(undefined, 'ci/1')).toBe('ci/1')
  expect(addMark(' ci/1  nonsense other/x', 'ci/2')).toBe('ci/1 ci/2')
  const many = Array.from({ length: 64 }, (_, i) => `ci/${i}`)
  expect(addMark(many.join(' '), 'ci/64').split(' ')).toEqual([...many.slice(1), 'ci/64'])
})

test('the innermost of a pool is the one that counts', () => {
  expect(memberOf('ci/1 other/2 ci/3', 'ci')).toBe(3)
  expect(memberOf('ci/1', 'c')).toBe(null)
  expect(memberOf(undefined, 'ci')).toBe(null)
})

test('one is removed, or all of a pool', () => {
  expect(removeMark('ci/1 ci/12 other/1', 'ci/1')).toBe('ci/12 other/1')
  expect(removeMark('ci/1', 'ci/1')).toBe(null)
  expect(removeMark(undefined, 'ci/1')).toBe(null)
  expect(removePool('ci/1 ci2/1 ci/2', 'ci')).toBe('ci2/1')
  expect(removePool('ci/1', 'ci')).toBe(null)
})
