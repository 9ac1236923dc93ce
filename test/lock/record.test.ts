import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sortOut } from '../../src/lock/list.ts'
import { parseRecord, parseRecords, whoAmI } from '../../src/lock/record.ts'

const SIZE = 256
const WHO = 180

const record = (text: string): Buffer => Buffer.from(`${text.padEnd(SIZE - 1)}\n`)
const blank = record('')
const hole = Buffer.alloc(SIZE)
const party = (slot: number, more: object = {}) =>
  record(
    JSON.stringify({ slot, pid: 10 + slot, start: '1', label: 'make', shared: false, since: 1000 + slot, ...more }),
  )

describe('a record', () => {
  test('is read', () => {
    expect(parseRecords(Buffer.concat([party(1), blank, hole, party(3, { waiting: true, shared: true })]))).toEqual([
      { pid: 11, label: 'make', since: 1001, shared: false, waiting: false },
      null,
      null,
      { pid: 13, label: 'make', since: 1003, shared: true, waiting: true },
    ])
  })

  test('of a holder without a label', () => {
    expect(parseRecord('{"slot":1,"pid":5,"shared":false,"since":7}')).toEqual({
      pid: 5,
      label: null,
      since: 7,
      shared: false,
      waiting: false,
    })
  })

  test.each([
    ['cut off', '{"slot":1,"pid":4711,"sta'],
    ['of other types', '{"slot":1,"pid":"x","label":7,"since":1.5,"shared":1,"waiting":"no"}'],
    ['null for all', '{"slot":1,"pid":null,"label":null,"since":null,"shared":null,"waiting":null}'],
    ['with numbers beyond all numbers', '{"slot":1,"pid":1e999,"since":1e300}'],
    ['with only a slot', '{"slot":1}'],
  ])('that is damaged is one of an unknown process: %s', (_, text) => {
    expect(parseRecord(text)).toEqual({ pid: 0, label: null, since: 0, shared: false, waiting: false })
  })

  test('one damaged record does not hide the others', () => {
    const damaged = Buffer.from(party(1))
    damaged.fill('x', 20, 40)
    expect(parseRecords(Buffer.concat([damaged, party(2)]))).toMatchObject([{ pid: 0 }, { pid: 12 }])
  })

  test('what is no record makes it no lock file', () => {
    expect(parseRecords(record('some text'))).toBeNull()
    expect(parseRecords(record('{"name":"package"}'))).toBeNull()
    expect(parseRecords(Buffer.concat([party(1), Buffer.alloc(SIZE, 0xff)]))).toBeNull()
    expect(parseRecords(Buffer.alloc(0))).toEqual([])
  })

  test('a last one that is cut off counts for nothing', () => {
    const whole = Buffer.concat([party(1), party(2)])
    for (let length = SIZE; length < 2 * SIZE; length++) {
      expect(parseRecords(whole.subarray(0, length)), `${length} bytes`).toHaveLength(1)
    }
  })

  test('any bytes are records or not, without a throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1200 }), (bytes) => {
        parseRecords(Buffer.from(bytes))
      }),
    )
    const near = fc
      .tuple(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.nat(SIZE - 1))
      .map(([bytes, at]) => Buffer.concat([party(1).subarray(0, at), bytes, party(1).subarray(at + bytes.length)]))
    fc.assert(
      fc.property(near, (bytes) => {
        for (const found of parseRecords(bytes) ?? []) {
          if (found) expect(Object.keys(found).sort()).toEqual(['label', 'pid', 'shared', 'since', 'waiting'])
        }
      }),
    )
  })
})

describe('what a process writes of itself', () => {
  const labelOf = (who: string): string => JSON.parse(`{${who}}`).label

  test('is its number, its start time and its label', () => {
    expect(JSON.parse(`{${whoAmI('make "all"')}}`)).toEqual({
      pid: process.pid,
      start: expect.stringMatching(/^\d+$/),
      label: 'make "all"',
    })
    expect(JSON.parse(`{${whoAmI(undefined)}}`)).not.toHaveProperty('label')
    expect(labelOf(whoAmI(''))).toBe('')
  })

  test('any label fits, whole where it can, else its beginning and an ellipsis', () => {
    const label = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.string({ unit: fc.constantFrom('ä', '😀', '"', '\\', '\n', '\0', '\ud800', 'a'), maxLength: 300 }),
    )
    fc.assert(
      fc.property(label, (text) => {
        const who = whoAmI(text)
        expect(Buffer.byteLength(who)).toBeLessThanOrEqual(WHO)
        const written = labelOf(who)
        if (written === text) return
        expect(written.endsWith('…')).toBe(true)
        expect(text.startsWith(written.slice(0, -1))).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  test.each(['a', 'ä', '€', '😀', '"', '\0', '\ud800'])('is cut between characters, as late as can be: %j', (unit) => {
    const room = WHO - Buffer.byteLength(whoAmI(''))
    const size = Buffer.byteLength(JSON.stringify(unit)) - 2
    const most = Math.floor(room / size)
    expect(labelOf(whoAmI(unit.repeat(most)))).toBe(unit.repeat(most))
    const kept = Math.floor((room - Buffer.byteLength('…')) / size)
    expect(labelOf(whoAmI(unit.repeat(most + 1)))).toBe(`${unit.repeat(kept)}…`)
    expect(labelOf(whoAmI(unit.repeat(50_000)))).toBe(`${unit.repeat(kept)}…`)
  })

  test('a label that looks like a part of the record does not become one', () => {
    const text = '","waiting":true,"pid":1,"x":"'
    expect(JSON.parse(`{${whoAmI(text)}}`)).toEqual({ pid: process.pid, start: expect.any(String), label: text })
  })
})

describe('who is what', () => {
  const records = parseRecords(
    Buffer.concat([
      party(4),
      party(1, { waiting: true, since: 30 }),
      party(2, { shared: true, since: 20 }),
      party(3, { waiting: true, since: 10 }),
    ]),
  )
  const pids = (lives: (slot: number) => boolean) => {
    const { name, ...lists } = sortOut('n', records ?? [], lives)
    return Object.fromEntries(Object.entries(lists).map(([key, list]) => [key, list.map(({ pid }) => pid)]))
  }

  test('the living hold and wait, in the order in which they came', () => {
    expect(pids(() => true)).toEqual({ holders: [12, 14], waiters: [13, 11], abandoned: [] })
  })
  test('the dead have left what they held, and wait no more', () => {
    expect(pids(() => false)).toEqual({ holders: [], waiters: [], abandoned: [12, 14] })
    expect(pids((slot) => slot === 2)).toEqual({ holders: [12], waiters: [], abandoned: [14] })
  })
})
