import { expect, test } from 'vitest'
// @ts-expect-error: the bench is JavaScript
import { reportPage } from '../../bench/report/page.mjs'
import { figures, projects } from './figures.ts'

const page = reportPage(figures, null, { pictures: 'pictures' })

test('the page says at its top that a command writes it, and which', () => {
  expect(page.split('\n')[0]).toMatch(/^<!--.*npm run bench -- --report.* -->$/)
  expect(page).toContain('sh no-run="it takes 15 minutes"')
})

test('the machine, the versions and what was missing are told', () => {
  expect(page).toContain('| processor | A processor, 2 of its cores |')
  expect(page).toContain('| memory | 8.00 GiB |')
  expect(page).toContain('| load before | 0.10, 0.20, 0.30 |')
  expect(page).toContain('| jobslot | 1.2.3, commit abc1234 |')
  expect(page).toContain('| beside | p-limit 7.3.3 |')
  expect(page).toContain('| not measured, as missing | sem, of GNU parallel |')
})

test('a figure stands with its middle half and its rounds; what would end a cell does not', () => {
  expect(page).toContain('| C | 500 ns | 450 ns .. 550 ns | 400 ns | 3 |')
  expect(page).toContain('| a \\| b | 2.00 us | 1.75 us .. 2.25 us | 1.50 us | 3 |')
})

test('targets are counted, and one that is missed is seen', () => {
  expect(page).toContain('1 of 2 are met')
  expect(page).toContain('| [One token](#a-token-taken) | time: not met | 3.00 | <= 2 | **missed** |')
  expect(page).toContain('| time: told alone | 7.00 | 7.00 .. 7.00 | 7.00 |  |  |')
})

test('a curve is a picture, and a table of x by series with a gap where nothing was measured', () => {
  expect(page).toContain('![The next one](pictures/pull.svg)')
  expect(page).toContain('| pending jobs | ours | theirs |')
  expect(page).toContain('| 100 | 20.0 us (15.0 us .. 25.0 us) | 5.00 ms (5.00 ms .. 5.00 ms) |')
  expect(page).toContain('| 1,000 | 30.0 us (25.0 us .. 35.0 us) |  |')
})

test('figures of a quick run are told as such', () => {
  expect(page).not.toContain('they say that it works')
  expect(reportPage({ ...figures, quick: true }, null, { pictures: 'x' })).toContain('they say that it works')
})

test('a machine that was busy before is told of', () => {
  expect(page).not.toContain('was busy')
  const machine = { ...figures.machine, loadBefore: [1.1, 0, 0] }
  expect(reportPage({ ...figures, machine }, null, { pictures: 'x' })).toContain('was busy')
})

test('real projects are a section of their own, with a title or without', () => {
  expect(page).not.toContain('## Real projects')
  const both = reportPage(figures, projects, { pictures: 'x' })
  expect(both).toContain('## Real projects\n')
  expect(both).toContain('| measured | 2026-02-01 |')
  expect(both).toContain('### at once')
  expect(both).toContain('| in a pool | 3.00 GiB |')
})
