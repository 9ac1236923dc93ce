import { describe, expect, test } from 'vitest'
import { check, type Event, TICK_MS } from './storm-check.ts'

const LIMITS = { idle: 5 * TICK_MS, wait: 20 * TICK_MS }

const want = (pid: number, ...names: string[]): Event => ({ t: 0, e: 'want', pid, names })
const begin = (pid: number, name: string | string[], more: { shared?: boolean; told?: number[] } = {}): Event => {
  const names = [name].flat()
  const told = (more.told ?? []).map((dead) => ({ name: names[0] as string, pid: dead }))
  return { t: 0, e: 'begin', pid, names, shared: more.shared ?? false, told }
}
const end = (pid: number): Event => ({ t: 0, e: 'end', pid })
const quit = (pid: number): Event => ({ t: 0, e: 'quit', pid })
const kill = (pid: number): Event => ({ t: 0, e: 'kill', pid })
const ticks = (count: number): Event[] => Array.from({ length: count }, () => ({ t: 0, e: 'tick' }))
const take = (pid: number, name: string, more = {}): Event[] => [want(pid, name), begin(pid, name, more)]

const problemsOf = (events: Event[]): string[] =>
  check(events, LIMITS).problems.map((text) => text.replace(/^[\d.]+: /, ''))

describe('a storm in which all is well', () => {
  test.each<[string, Event[]]>([
    ['one after the other', [...take(1, 'a'), end(1), ...take(2, 'a'), end(2)]],
    ['shared', [...take(1, 'a', { shared: true }), ...take(2, 'a', { shared: true }), end(1), end(2)]],
    ['two names', [...take(1, 'a'), ...take(2, 'b'), end(1), end(2)]],
    ['killed and told', [...take(1, 'a'), kill(1), ...take(2, 'a', { told: [1] }), end(2)]],
    [
      'killed, and begun a moment after',
      [want(1, 'a'), kill(1), begin(1, 'a'), ...take(2, 'a', { told: [1] }), end(2)],
    ],
    ['killed before it could begin, and told', [want(1, 'a'), kill(1), ...take(2, 'a', { told: [1] }), end(2)]],
    ['killed after its end, and told', [...take(1, 'a'), end(1), kill(1), ...take(2, 'a', { told: [1] }), end(2)]],
    ['killed, ended a moment after, and not told', [...take(1, 'a'), kill(1), end(1), ...take(2, 'a'), end(2)]],
    [
      'killed before it could tell of whom it was told',
      [...take(1, 'a'), want(2, 'a'), kill(1), kill(2), ...take(3, 'a', { told: [2] }), end(3)],
    ],
    ['waits while it is held', [...take(1, 'a'), want(2, 'a'), ...ticks(10), end(1), begin(2, 'a'), end(2)]],
    ['gives up', [...take(1, 'a'), want(2, 'a'), quit(2), end(1), ...ticks(10)]],
    ['dies waiting', [want(2, 'a'), ...ticks(2), kill(2), ...ticks(30)]],
  ])('%s', (_, events) => {
    expect(problemsOf(events)).toEqual([])
  })
})

describe('a storm is found out in which', () => {
  test.each<[string, Event[], string]>([
    ['two hold', [...take(1, 'a'), ...take(2, 'a')], '2 and 1 both hold a'],
    ['one holds what another shares', [...take(1, 'a', { shared: true }), ...take(2, 'a')], '2 and 1 both hold a'],
    ['one shares what another holds', [...take(1, 'a'), ...take(2, 'a', { shared: true })], '2 and 1 both hold a'],
    ['one of several is held', [...take(1, 'b'), want(2, 'a', 'b'), begin(2, ['a', 'b'])], '2 and 1 both hold b'],
    [
      'a death is told twice',
      [...take(1, 'a'), kill(1), ...take(2, 'a', { told: [1] }), end(2), ...take(3, 'a', { told: [1] })],
      '3 was told again that 1 died holding a',
    ],
    [
      'one is told of the living',
      [...take(1, 'a'), end(1), ...take(2, 'a', { told: [1] })],
      '2 was told that 1 died holding a, which lives',
    ],
    [
      'a death is told to nobody',
      [...take(1, 'a'), kill(1), ...take(2, 'a'), end(2)],
      'nobody was told that 1 died holding a',
    ],
    [
      'a death of another name is told',
      [...take(1, 'a'), kill(1), want(2, 'b'), kill(2), ...take(3, 'b', { told: [2] })],
      'nobody was told that 1 died holding a',
    ],
    ['nobody takes what is wanted', [want(1, 'a'), ...ticks(5)], 'a is wanted and nobody holds it since 100 ms'],
    ['one waits for too long', [...take(1, 'a'), want(2, 'a'), ...ticks(20)], '2 waits for a since 400 ms'],
    ['one holds what it did not ask for', [begin(1, 'a')], '1 begins what it did not want'],
  ])('%s', (_, events, problem) => {
    expect(problemsOf(events)).toEqual([problem])
  })
})

test('the verdict counts', () => {
  expect(check([...take(1, 'a'), kill(1), want(2, 'a'), ...ticks(3), begin(2, 'a', { told: [1] })], LIMITS)).toEqual({
    problems: [],
    taken: 2,
    kills: 1,
    told: 1,
    idle: 60,
    wait: 60,
  })
})
