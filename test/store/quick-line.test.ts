import { describe, expect, test } from 'vitest'
import { lineOf, objectOf } from '../../src/store/format/line.ts'
import { QuickLines } from '../../src/store/format/quick-line.ts'

const quick = new QuickLines()
const journalLine = (json: string) => quick.line(Buffer.from(`${json}\n`), 0)
const snapshotLine = (json: string) => quick.job(Buffer.from(`${json}\n`), 0)

const REQUESTS = [
  {},
  [],
  null,
  true,
  'text',
  '',
  'a "quoted" text\n\\with\tescapes',
  'Grüße, 世界 🌍',
  0,
  -1,
  12.5,
  { task: 'compile', files: ['a.c', 'b.c'], options: { deep: [{ deeper: [] }] }, n: -0.25, none: null, yes: false },
]

const LINES = [
  ...REQUESTS.map((request) => ({ n: 12, t: 1700000000000, op: 'create', request })),
  { n: 1, d: 4711, t: 0, op: 'create', request: { a: 1 } },
  { n: 13, t: 1700000000000, op: 'claim', id: 12, w: 281474976710655, pid: 4194304 },
  { n: 14, t: 1700000000000, op: 'fulfill', id: 12, c: 13, value: 'done "well"' },
  { n: 15, d: 9, t: 1700000000000, op: 'fulfill', id: 12, c: 13, value: '' },
]

const JOBS = REQUESTS.flatMap((request) => [
  { id: 3, t: 1700000000000, state: 'pending', request },
  { id: 3, t: 1700000000000, state: 'fulfilled', attempt: 1, finished: 1700000000001, value: 'x', request },
])

/** All there is to a line but what only its text has. */
function known(json: string): unknown {
  const { request, value, ...rest } = objectOf(json)!
  return 'op' in rest && rest.op === 'create' ? { ...rest, request: null } : rest
}

describe('a line of the kinds that come most', () => {
  test.each(LINES)('of the journal is read as JSON.parse reads it: %j', (line) => {
    const json = JSON.stringify(line)
    expect(journalLine(json)).toEqual(known(json))
    expect(quick.at).toBe(Buffer.byteLength(json) + 1)
  })

  test.each(JOBS)('of a snapshot is read as JSON.parse reads it: %j', (job) => {
    const json = JSON.stringify(job)
    expect(snapshotLine(json)).toEqual(known(json))
    expect(quick.at).toBe(Buffer.byteLength(json) + 1)
  })
})

test.each([
  '{"n":1,"t":2,"op":"create","priority":1,"request":{}}',
  '{"n":1,"t":2,"op":"create","request":{"a" :1}}',
  '{"n":1,"t":2,"op":"create","request":1e3}',
  '{"n":1,"t":2,"op":"create","request":"\\u00e4"}',
  `{"n":1,"t":2,"op":"create","request":${'['.repeat(99)}${']'.repeat(99)}}`,
  '{"n":1,"t":2,"op":"fulfill","id":1,"value":"without a claim"}',
  '{"n":1,"t":2,"op":"fulfill","id":1,"c":1,"base64":"AAAA"}',
  '{"n":1,"t":2,"op":"release","id":1,"c":1,"why":"killed"}',
  '{"n":1,"t":2,"op":"seal"}',
  '{"n":1,"format":1,"segment":1,"from":0}',
])('any other line is left to JSON.parse: %s', (json) => {
  expect(journalLine(json)).toBeNull()
  expect(objectOf(json)).not.toBeNull()
})

test('nothing is taken for a line that JSON.parse would not take, or takes for another', () => {
  const texts = LINES.map((line) => JSON.stringify(line))
  let seed = 1
  const below = (limit: number) => {
    seed = (seed * 48271) % 2147483647
    return seed % limit
  }
  const put = '{}[]":,\\0123456789.-eEu tnl\u0001é'
  let taken = 0
  for (let round = 0; round < 200_000; round++) {
    let json = texts[below(texts.length)]!
    for (let changes = 1 + below(2); changes > 0; changes--) {
      const at = below(json.length)
      const instead = below(3) === 0 ? '' : put[below(put.length)]!
      json = json.slice(0, at) + instead + json.slice(at + below(2))
    }
    const found = journalLine(json)
    if (!found || json.includes('\n')) continue
    taken++
    if (!lineOf(json)) expect.fail(`it took what is none: ${json}`)
    expect(found).toEqual(known(json))
  }
  expect(taken).toBeGreaterThan(1000)
})
