import fc from 'fast-check'
import { oddNumbers, oddValues } from '../support/fuzz.ts'
import { simLines } from './sim-machine.ts'

/** Lines that have the form of a journal's and make no sense: wrong order, ids of nobody, fields of anything. */

const id = fc.oneof({ arbitrary: fc.integer({ min: 1, max: 12 }), weight: 20 }, { arbitrary: oddNumbers, weight: 1 })
const number = fc.oneof({ arbitrary: fc.nat(30), weight: 20 }, { arbitrary: oddNumbers, weight: 1 })
const json = fc.oneof(
  fc.constantFrom<unknown>('x', 7, null, { cmd: ['true'], cwd: '/' }, { cmd: [] }, [[[]]]),
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: 'binary' }),
)
const error = fc.record(
  { message: fc.string(), code: fc.string(), stack: fc.string(), grace: number },
  { requiredKeys: ['message'] },
)
const options = {
  priority: fc.oneof(fc.integer({ min: -3, max: 3 }), oddNumbers),
  runAt: number,
  attempts: number,
  losses: number,
  backoff: fc.tuple(number, number, number),
  after: fc.array(id, { maxLength: 4 }),
  key: fc.constantFrom('a', 'b', '__proto__', ''),
  ttl: number,
  timeout: number,
  retention: number,
}
const value = fc.oneof(
  fc.record({ value: fc.string({ unit: 'binary' }) }),
  fc.record({ base64: fc.base64String() }),
  fc.record({ file: fc.constantFrom('value-1-1', '../x', 'value-2-9'), bytes: number, crc: fc.constant('00000000') }),
)
const none = { requiredKeys: [] as [] }

const facts: fc.Arbitrary<Record<string, unknown>>[] = [
  fc.tuple(fc.record(options, none), json).map(([given, request]) => ({ op: 'create', ...given, request })),
  fc.record({ op: fc.constant('create'), request: json }),
  fc
    .tuple(fc.record({ id, version: number, created: number }), fc.record(options, none), json)
    .map(([head, given, request]) => ({ op: 'update', ...head, ...given, request })),
  fc.record({ op: fc.constantFrom('claim', 'notify'), id, w: fc.integer({ min: 1, max: 3 }), pid: number }),
  fc.record({ op: fc.constant('progress'), id, c: number, value: json }),
  fc.tuple(fc.record({ id, c: number }, { requiredKeys: ['id'] }), value).map(([head, given]) => ({
    op: 'fulfill',
    ...head,
    ...given,
  })),
  fc.record({ op: fc.constant('fail'), id, c: number, error, at: number }, { requiredKeys: ['op', 'id', 'error'] }),
  fc.record({
    op: fc.constant('release'),
    id,
    c: number,
    why: fc.constantFrom('released', 'killed', 'lease', 'odd'),
    at: number,
  }),
  fc.record({ op: fc.constant('cancel'), id, error }),
  fc.record({ op: fc.constantFrom('retry', 'remove'), id }),
  fc.record({ op: fc.constant('forget'), ids: fc.array(fc.tuple(id, id), { maxLength: 3 }) }),
  fc.record({ op: fc.constant('queue'), id, target: json }),
  fc.record({ op: fc.constant('unqueue'), id, targets: fc.array(json, { maxLength: 3 }) }),
  fc.record({ op: fc.constant('notified'), id, c: number, served: fc.array(json, { maxLength: 2 }), at: number }),
  fc.record({ op: fc.constantFrom('pause', 'resume') }),
  fc.record({ op: fc.constant('snapshot'), segment: number }),
  fc.record({ op: fc.constant('seal'), from: number }, { requiredKeys: ['op'] }),
]

/** Mostly a fact as it should be; now and then one of its fields is something else, or is not there. */
const fact = fc
  .tuple(fc.oneof(...facts), fc.nat(19), fc.nat(), oddValues)
  .map(([line, chance, which, odd]): Record<string, unknown> => {
    if (chance > 1) return line
    const names = Object.keys(line)
    const name = names[which % names.length]!
    const { [name]: _, ...rest } = line
    return chance === 0 ? rest : { ...rest, [name]: odd }
  })

/** Numbered in a row, but for some. */
export const hostileLines = fc
  .array(fc.tuple(fact, fc.nat(29), number, number), { maxLength: 40 })
  .map((facts): Record<string, unknown>[] =>
    facts.map(([fact, chance, odd, t], i) => ({ n: chance === 0 ? odd : i + 1, t, ...fact })),
  )

/** As they would lie in a file, with checksums that fit. */
export function stamped(lines: readonly unknown[]): Buffer {
  const bytes = Buffer.from(lines.map((line) => `00000000 ${JSON.stringify(line)}\n`).join(''))
  simLines.stamp(bytes, bytes.length)
  return bytes
}
