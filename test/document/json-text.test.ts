import { describe, expect, test } from 'vitest'
import { jsonText } from '../../src/document/json-text.ts'

test.for<[unknown, string]>([
  [null, 'null'],
  [0, '0'],
  ['', '""'],
  [false, 'false'],
  [[], '[]'],
  [{}, '{}'],
  [{ a: undefined, b: [1, { c: null }] }, '{"b":[1,{"c":null}]}'],
  [{ '': undefined }, '{}'],
  ['half a pair: \ud800, and a line\n', '"half a pair: \\ud800, and a line\\n"'],
  [new Date(0), '"1970-01-01T00:00:00.000Z"'],
])('%j has the text %s', ([value, text]) => {
  expect(jsonText(value)).toBe(text)
})

describe('what JSON would turn into something else, or nothing, is an error', () => {
  const parts: [string, unknown][] = [
    ['a bigint', 1n],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['NaN', Number.NaN],
    ['-Infinity', Number.NEGATIVE_INFINITY],
    ['a Map', new Map()],
    ['a Set', new Set()],
    ['a Promise', Promise.resolve(1)],
    ['an Error', new Error('lost')],
    ['a RegExp', /x/],
    ['an ArrayBuffer', new ArrayBuffer(1)],
    ['bytes', new Uint8Array(1)],
    ['a WeakMap', new WeakMap()],
    ['an iterator', new Map().keys()],
    ['NaN', Object(Number.NaN)],
    ['a Date that is none', new Date(Number.NaN)],
  ]

  test.for<[string, unknown]>([...parts, ['undefined', undefined]])('%s', ([what, value]) => {
    expect(() => jsonText(value)).toThrow(new TypeError(`JSON cannot hold ${what}`))
    expect(() => jsonText([value])).toThrow(new TypeError(`JSON cannot hold ${what}, which the value has at "0"`))
  })

  test.for(parts)('%s in an object', ([what, value]) => {
    const message = `JSON cannot hold ${what}, which the value has at "b"`
    expect(() => jsonText({ a: { b: value } })).toThrow(new TypeError(message))
  })

  test('what toJSON makes undefined', () => {
    expect(() => jsonText({ toJSON: () => undefined })).toThrow(new TypeError('JSON cannot hold undefined'))
  })

  test('a cycle', () => {
    const value: { self?: unknown } = {}
    value.self = value
    expect(() => jsonText(value)).toThrow(/circular/)
    expect(() => jsonText(value)).toThrow(TypeError)
  })

  test('a value too deep to walk', () => {
    let value: unknown[] = []
    for (let i = 0; i < 1e6; i++) value = [value]
    expect(() => jsonText(value)).toThrow(/^the value is too deep or too long for JSON/)
    expect(() => jsonText(value)).toThrow(TypeError)
  })

  test('the error of a toJSON is left as it is', () => {
    const value = {
      toJSON() {
        throw new Error('mine')
      },
    }
    expect(() => jsonText(value)).toThrow(new Error('mine'))
  })
})
