import { expect, test } from 'vitest'
import { add, lossText, type Results, section, withSection } from './results.ts'
import { storms } from './storms.ts'

const one = { seconds: 60, kills: 1000, operations: 20_000, losses: 0, notes: { reads: 3, 'ms at most': 7 } }
const results: Results = {
  date: '2026-01-02',
  machine: '2 CPUs',
  command: 'npm run torture -- --minutes 3 --seed 4',
  storms: { locks: one, disk: { ...one, seconds: 30, losses: 2, notes: {} } },
  losses: [],
}

test('what several turns came to is added up, and what took longest is kept', () => {
  const other = { seconds: 1, kills: 2, operations: 3, losses: 4, notes: { 'ms at most': 5, reads: 1 } }
  expect(add(one, other)).toEqual({
    ...{ seconds: 61, kills: 1002, operations: 20_003, losses: 4 },
    notes: { reads: 4, 'ms at most': 7 },
  })
  expect(add(undefined, other)).toEqual(other)
})

test('the section has a table', () => {
  expect(section(results, storms)).toBe(
    `
2026-01-02, on 2 CPUs; \`npm run torture -- --minutes 3 --seed 4\`:

| storm | minutes | kills                      | operations            | losses |
| ----- | ------- | -------------------------- | --------------------- | ------ |
| locks | 1.0     | 1,000 SIGKILL              | 20,000 locks taken    | 0      |
| disk  | 0.5     | 1,000 kills and power cuts | 20,000 calls answered | 2      |
| all   | 1.5     | 2,000                      | 40,000                | 2      |

- locks: 3 reads, 7 ms at most
`.trim(),
  )
})

test('a page without the marks is told from one with them', () => {
  expect(withSection('no marks', 'text')).toBe(null)
  expect(withSection('<!-- until here --><!-- written by npm run torture -->', 'text')).toBe(null)
})

test('of a loss the first problems are told, and how to repeat it', () => {
  const problems = Array.from({ length: 12 }, (_, i) => `${i}${'x'.repeat(500)}`)
  const text = lossText({ storm: 'locks', problems, repeat: 'npm run torture -- --seed 1' })
  expect(text).toMatch(/^locks:\n {2}0x{399}\n/)
  expect(text.split('\n').slice(-3)).toEqual(['  and 2 more', 'again: npm run torture -- --seed 1', ''])
  expect(text.split('\n')).toHaveLength(14)
})
