import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeDocument, encodeDocument, LAST_VERSION } from '../../src/document/format.ts'

const problemOf = (bytes: Buffer) => {
  const decoded = decodeDocument(bytes)
  return 'problem' in decoded ? decoded.problem : `no problem: ${JSON.stringify(decoded)}`
}

/** A file whose checksum fits whatever stands in it. */
function signed(body: string): Buffer {
  const checksum = crc32(body).toString(16).padStart(8, '0')
  return Buffer.from(`{"jobslot":"document 1","crc32":"${checksum}",${body}}\n`)
}

test('what a file looks like', () => {
  const bytes = encodeDocument(3, '{"name":"tür"}')
  expect(String(bytes)).toBe('{"jobslot":"document 1","crc32":"70ee5ca3","version":3,"value":{"name":"tür"}}\n')
  expect(bytes).toEqual(signed('"version":3,"value":{"name":"tür"}'))
  expect(JSON.parse(String(bytes))).toMatchObject({ version: 3, value: { name: 'tür' } })
})

test('the checksum always has eight digits', () => {
  const checksums = Array.from({ length: 2000 }, (_, i) => String(encodeDocument(1, String(i))).slice(33, 42))
  expect(checksums.filter((checksum) => !/^[0-9a-f]{8}"$/.test(checksum))).toEqual([])
  expect(checksums.some((checksum) => checksum.startsWith('0'))).toBe(true)
})

test('what is written is what is read', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: LAST_VERSION }), fc.jsonValue(), (version, value) => {
      const json = JSON.stringify(value)
      expect(decodeDocument(encodeDocument(version, json))).toEqual({ version, value: JSON.parse(json) })
    }),
  )
})

describe('damage is never another value', () => {
  const whole = encodeDocument(7, '{"a":[1,null,"é"],"b":"}\\n"}')

  test('a byte is another', () => {
    for (let at = 0; at < whole.length; at++) {
      for (let byte = 0; byte < 256; byte++) {
        if (byte === whole[at]) continue
        const changed = Buffer.from(whole)
        changed[at] = byte
        expect(decodeDocument(changed), `byte ${at} is ${byte}`).toEqual({ problem: expect.any(String) })
      }
    }
  })

  test('the end is missing', () => {
    for (let length = 0; length < whole.length; length++) {
      expect(decodeDocument(whole.subarray(0, length)), `${length} bytes`).toEqual({ problem: expect.any(String) })
    }
  })

  test('some bytes are missing, come twice, or are zeros', () => {
    for (let from = 0; from < whole.length; from++) {
      for (let to = from + 1; to <= whole.length; to++) {
        const before = whole.subarray(0, from)
        const part = whole.subarray(from, to)
        const behind = whole.subarray(to)
        for (const damaged of [[], [part, part], [Buffer.alloc(part.length)]]) {
          const bytes = Buffer.concat([before, ...damaged, behind])
          expect('problem' in decodeDocument(bytes), `${from} to ${to}: ${JSON.stringify(String(bytes))}`).toBe(true)
        }
      }
    }
  })
})

describe('what is wrong is said', () => {
  const text = String(encodeDocument(3, '[1]'))

  test.for<[string, string | Buffer, string]>([
    ['an empty file', '', 'it is empty'],
    ['a text', 'hello\n', 'it does not begin as a document does'],
    ['other JSON', '{"version":3,"value":1}\n', 'it does not begin as a document does'],
    ['zeros', Buffer.alloc(100), 'it does not begin as a document does'],
    [
      'a later format',
      text.replace('document 1', 'document 2'),
      'it has a format that this version of jobslot does not know',
    ],
    ['no checksum', text.replace(/"crc32":"[0-9a-f]+/, '"crc32":"'), 'its checksum is missing'],
    ['a checksum in capitals', text.replace(/"crc32":"[0-9a-f]+/, '"crc32":"ABCDEF01'), 'its checksum is missing'],
    ['a cut end', text.slice(0, -1), 'its end is missing'],
    ['another version', text.replace(':3,', ':4,'), 'its checksum does not fit, so it was damaged or edited'],
    ['another value', text.replace('[1]', '[2]'), 'its checksum does not fit, so it was damaged or edited'],
    ['more behind it', `${text}${text}`, 'its checksum does not fit, so it was damaged or edited'],
    ['indented by hand', `${JSON.stringify(JSON.parse(text), null, 2)}\n`, 'it does not begin as a document does'],
  ])('%s: %s', ([, content, problem]) => {
    expect(problemOf(Buffer.from(content))).toBe(problem)
  })

  const noVersion = 'it has no version that is a whole number above 0'
  test.for<[string, string, string | RegExp]>([
    ['version 0', '"version":0,"value":1', noVersion],
    ['a negative version', '"version":-1,"value":1', noVersion],
    ['a version with a point', '"version":1.5,"value":1', noVersion],
    ['a version with a zero in front', '"version":01,"value":1', noVersion],
    ['a version as a string', '"version":"1","value":1', noVersion],
    ['a version above 2 ** 53 - 1', '"version":9007199254740992,"value":1', noVersion],
    ['a version of 17 digits', '"version":10000000000000000,"value":1', noVersion],
    ['no version', '"value":1', noVersion],
    ['no value', '"version":1,"value":', /^its value is no JSON/],
    ['two values', '"version":1,"value":1,"value":2', /^its value is no JSON/],
    ['a broken value', '"version":1,"value":[1', /^its value is no JSON/],
    ['bytes that are no UTF-8 outside of a string', '"version":1,"value":\ufffd', /^its value is no JSON/],
  ])('%s with a checksum that fits', ([, body, problem]) => {
    expect(problemOf(signed(body))).toMatch(problem)
  })

  test('the last version is one', () => {
    expect(decodeDocument(encodeDocument(LAST_VERSION, '1'))).toEqual({ version: 9007199254740991, value: 1 })
  })
})

test('a key that has a meaning in JavaScript is a key like any other', () => {
  const decoded = decodeDocument(encodeDocument(1, '{"__proto__":{"a":1}}'))
  expect(Object.keys((decoded as { value: object }).value)).toEqual(['__proto__'])
})
