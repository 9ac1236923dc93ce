import { deserialize, serialize } from 'node:v8'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeBody, encodeFrame } from '../../src/worker/wire/frames.ts'
import { isSimple } from '../../src/worker/wire/simple.ts'

const twice = {}
const cycle: unknown[] = []
cycle.push(cycle)
const holes = [1, 2]
holes.length = 3
class Own {
  a = 1
}

test.each<[string, unknown]>([
  ['nothing', undefined],
  ['not a number', Number.NaN],
  ['infinity', Number.POSITIVE_INFINITY],
  ['minus zero', [-0]],
  ['a big integer', 1n],
  ['a date', { date: new Date() }],
  ['a map', new Map()],
  ['bytes', Uint8Array.of(1)],
  ['an error', new Error('x')],
  ['a property that is undefined', { a: undefined }],
  ['a function', () => {}],
  ['a method that JSON would call', { toJSON: () => 1 }],
  ['a hidden method that JSON would call', Object.defineProperty({}, 'toJSON', { value: () => 1 })],
  ['a proxy', new Proxy({ a: 1 }, {})],
  ['a proxy of an array', [new Proxy([1], {})]],
  ...[new Map(), new Date(), new Error('x'), new Number(1), /x/, new ArrayBuffer(1), Uint8Array.of(1)].map(
    (value) =>
      [`what looks plain and is ${value.constructor.name}`, Object.setPrototypeOf(value, Object.prototype)] as [
        string,
        unknown,
      ],
  ),
  ['an array with holes', holes],
  ['an array with a name', Object.assign([1], { name: 'x' })],
  ['an array with a name in place of a hole', Object.assign(holes.slice(), { name: 'x' })],
  ['what occurs twice', [twice, twice]],
  ['what contains itself', cycle],
  ['an object of a class', new Own()],
  ['an object without a prototype', Object.create(null)],
  ['a long text', 'x'.repeat(2000)],
  ['many values', Array(100).fill(1)],
])('%s is not simple', (_, value) => {
  expect(isSimple(value)).toBe(false)
})

test.each([null, 1, -1.5, 'ä\0\ud800', true, [], {}, [[1], { a: { b: [null, 'x'] } }], JSON.parse('{"__proto__": 1}')])(
  '%j is simple',
  (value) => {
    expect(isSimple(value)).toBe(true)
  },
)

test('whatever the way, what arrives is what V8 would make of it', () => {
  fc.assert(
    fc.property(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }),
      (value) => {
        const arrived = decodeBody(encodeFrame([0, value]).subarray(4))
        expect(arrived).toStrictEqual(deserialize(serialize([0, value])))
      },
    ),
    { numRuns: 1000 },
  )
})
