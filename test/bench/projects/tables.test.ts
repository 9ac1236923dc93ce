import { expect, it } from 'vitest'
// @ts-expect-error It is JavaScript, as all of the bench is.
import { filled, PROJECTS } from '../../../bench/projects/projects.mjs'
// @ts-expect-error It is JavaScript, as all of the bench is.
import { tables } from '../../../bench/projects/tables.mjs'

const measured = (seconds: number, peak: number) => {
  const ends = new Map([['a', seconds * 1e9]])
  return { wallNs: seconds * 1e9, peak, average: peak, peakBytes: peak * 2 ** 20, cpuNs: 1e9, ends }
}
const rounds = [
  [measured(10, 2), measured(10, 6), measured(12, 2)],
  [measured(11, 2), measured(10, 5), measured(11, 2)],
  [measured(30, 2), measured(30, 6), measured(40, 2)],
]

it('takes medians over the rounds, and ratios within each', () => {
  const [time, jobs] = tables(rounds, ['a'], 2)
  const of = ({ name, median }: { name: string; median: number }) => [name, median]
  expect(time.figures.map(of)).toEqual([
    ['in one pool', 11e9],
    ['at once, each with -j2', 10e9],
    ['in turn, each with -j2', 12e9],
  ])
  expect(time.ratios.map(of)).toEqual([
    ['time: pool / at once', 1],
    ['time: pool / in turn', 10 / 12],
  ])
  expect(jobs).toMatchObject({ unit: 'jobs', ratios: [] })
})

it('has a table for each build too', () => {
  const titles = tables(rounds, ['a'], 2).map(({ title }: { title: string }) => title)
  expect(titles.at(-1)).toBe('Time until a is built')
})

it('leaves no word of a project that stands for nothing', () => {
  const known = Object.fromEntries(['cc', 'c++', 'ar', 'cmake', 'make', 'ninja'].map((name) => [name, `/bin/${name}`]))
  for (const { configure, build } of PROJECTS) {
    expect(filled([...(configure ?? []), ...build], known).join(' ')).not.toMatch(/[{}]/)
  }
  expect(filled(['CC={cc}', '{no}'], known)).toEqual(['CC=/bin/cc', '{no}'])
})
