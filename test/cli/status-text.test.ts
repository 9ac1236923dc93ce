import { describe, expect, test } from 'vitest'
import { picture } from '../../src/cli/status/screen.ts'
import { changes } from '../../src/cli/status/status-changes.ts'
import { statusLines } from '../../src/cli/status/status-table.ts'
import { age, table } from '../../src/cli/table.ts'
import type { MemberStatus, PoolStatus } from '../../src/pool/host.ts'

const NOW = 1_700_000_000_000

const empty: PoolStatus = {
  ...{ pool: 'ci', slots: 4, effective: 4, free: 4, governor: null },
  ...{ members: [], waiters: [], overReturned: 0, reclaimed: 0 },
}

const member = (more: Partial<MemberStatus> = {}): MemberStatus => ({
  ...{ id: 1, pid: 100, label: 'make all', kind: 'run', base: 1, granted: 2, visible: 1, held: 1 },
  ...{ survivors: 0, since: NOW - 5000, priority: 0, weight: 1, max: null, ...more },
})

const waiter = (more: object = {}) => ({
  ...{ id: 9, pid: 900, label: 'test', wants: 2, since: NOW - 61_000, priority: 0, ...more },
})

const lines = (status: PoolStatus) => statusLines({ name: 'pool ci', mark: 'ci', status }, NOW)

describe('a pool as text', () => {
  test('that nobody is in', () => {
    expect(lines(empty)).toEqual(['pool ci: 4 slots, 4 free'])
    expect(lines({ ...empty, slots: 1, effective: 1, free: 1 })).toEqual(['pool ci: 1 slot, 1 free'])
    expect(statusLines({ name: 'pool ci', asleep: true, status: empty }, NOW)).toEqual([
      'pool ci: 4 slots, 4 free, nobody uses it',
    ])
    expect(statusLines({ name: 'pool typo', asleep: true, unmade: true, status: empty }, NOW)).toEqual([
      'pool typo: nobody has made it; the first to use it does, with 4 slots',
    ])
  })

  test('with limits that are kept', () => {
    const limits = { maxLoad: 7.5, minMemory: 512 * 2 ** 20, maxPressure: 20 }
    expect(lines({ ...empty, governor: { limits, reason: null } })).toEqual([
      'pool ci: 4 slots, 4 free, load at most 7.5, at least 512M of memory, pressure at most 20 %',
    ])
    expect(lines({ ...empty, governor: { limits: { minMemory: 1.5 * 2 ** 30 }, reason: null } })).toEqual([
      'pool ci: 4 slots, 4 free, at least 1.5G of memory',
    ])
  })

  test('with members and waiters', () => {
    const acquired = member({ id: 2, pid: 22, kind: 'acquire', label: null, base: 1, granted: 1, visible: 1, held: 0 })
    const status = { ...empty, free: 1, members: [member({ max: 3 }), acquired], waiters: [waiter()] }
    expect(lines(status)).toEqual([
      'pool ci: 4 slots, 1 free',
      '  ID    PID  IS       SLOTS    READY  FOR   LABEL',
      '  ci/1  100  run      2 of 3   1      5s    make all',
      '  ci/2  22   acquire  2               5s',
      '  ci/9  900  waits    wants 2         1m1s  test',
    ])
  })

  test('priorities and weights where there are any', () => {
    const [, head, row] = lines({ ...empty, members: [member({ priority: 5, weight: 0.5 })] })
    expect(head).toBe('  ID    PID  IS   SLOTS  READY  PRIORITY  WEIGHT  FOR  LABEL')
    expect(row).toBe('  ci/1  100  run  2      1      5         0.5     5s   make all')
    expect(lines({ ...empty, waiters: [waiter({ priority: 1 })] })[1]).toContain('PRIORITY  FOR')
  })

  test('what an ended member left running', () => {
    const ended = member({ survivors: 2, base: 0, held: 2, granted: 2, visible: 0 })
    expect(lines({ ...empty, members: [ended] })[2]).toBe(
      '  ci/1  100  run, ended  2 by 2 processes  0      5s   make all',
    )
  })

  test('why it has fewer slots than it could', () => {
    const governor = { limits: { maxLoad: 4 }, reason: 'load 5.2, at most 4' }
    expect(lines({ ...empty, effective: 2, free: 1, governor })).toEqual([
      'pool ci: 2 of 4 slots, 1 free: load 5.2, at most 4',
    ])
  })

  test("others' text is nothing but text", () => {
    const text = lines({ ...empty, members: [member({ label: 'a\x1b[2Jb\nc' })] }).join('\n')
    expect(text).not.toContain('\x1b')
    expect(text.split('\n')).toHaveLength(3)
  })

  test('a plain jobserver', () => {
    const status = { pool: null, slots: 3, free: 2, members: null, waiters: null }
    expect(statusLines({ name: 'the jobserver', status }, NOW)).toEqual([
      'the jobserver: 3 slots, 2 free; who holds the others cannot be told',
    ])
    expect(statusLines({ name: 'it', status: { ...status, slots: null } }, NOW)[0]).toContain('unknown number of slots')
  })
})

describe('what has changed between two looks', () => {
  const of = (before: Partial<PoolStatus> | null, after: Partial<PoolStatus>) =>
    changes('pool ci', before && { ...empty, ...before }, { ...empty, ...after }).map((line) => {
      expect(line.startsWith('pool ci: ')).toBe(true)
      return line.slice('pool ci: '.length)
    })

  test('the first look', () => {
    expect(of(null, {})).toEqual(['4 slots, 4 free, 0 members, 0 waiting'])
  })

  test('nothing', () => {
    const status = { members: [member()], waiters: [waiter()] }
    expect(of(status, { ...status, members: [member({ since: NOW - 9000 })] })).toEqual([])
  })

  test('somebody waits, is let in, leaves a job behind, is gone', () => {
    const waiting = { waiters: [waiter({ id: 1, wants: 1 })] }
    expect(of({}, waiting)).toEqual(['waits for 1 slot: process 900 (test)', '4 slots, 4 free, 0 members, 1 waiting'])
    const joined = { members: [member()], free: 3 }
    expect(of(waiting, joined)).toEqual(['joined: run process 100 (make all)', '4 slots, 3 free, 1 member, 0 waiting'])
    const ended = { members: [member({ survivors: 1, base: 1, held: 0 })], free: 3 }
    expect(of(joined, ended)).toEqual([
      'ended, 1 slot held by what it left running: process 100 (make all)',
      '4 slots, 3 free, 1 member, 0 waiting',
    ])
    expect(of(ended, {})).toEqual(['left: process 100 (make all)', '4 slots, 4 free, 0 members, 0 waiting'])
  })

  test('somebody gives up', () => {
    expect(of({ waiters: [waiter({ label: null })] }, {})[0]).toBe('gave up: process 900')
  })

  test('the size', () => {
    expect(of({}, { slots: 6, effective: 6, free: 6 })).toEqual(['6 slots, 6 free, 0 members, 0 waiting'])
  })
})

describe('a picture', () => {
  const shown = (lines: string[], rows: number) =>
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a picture is made of
    picture(lines, rows).replace(/\x1b\[\d*[A-Za-z]/g, '')

  test('is drawn from the top, over all that was there', () => {
    expect(picture(['a', 'b'], 5)).toBe('\x1b[H\x1b[1ma\x1b[22m\x1b[K\r\nb\x1b[K\x1b[J')
  })

  test('has no more lines than the terminal', () => {
    expect(shown(['a', 'b', 'c'], 3)).toBe('a\r\nb\r\nc')
    expect(shown(['a', 'b', 'c', 'd'], 3)).toBe('a\r\nb\r\n… 2 more lines')
  })
})

test('ages', () => {
  expect([0, 59_400, 60_000, 3_599_000, 3_600_000, 90_000_000, -5].map(age)).toEqual([
    ...['0s', '59s', '1m0s', '59m59s', '1h0m', '1d', '0s'],
  ])
})

test('a table of nothing', () => {
  expect(table([])).toEqual([])
})
