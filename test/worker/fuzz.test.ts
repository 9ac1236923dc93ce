import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeBody, encodeFrame, FRAME_LIMIT, FrameReader, HELLO, readHello } from '../../src/worker/wire/frames.ts'
import { toError, toPlain } from '../../src/worker/wire/messages.ts'
import { edited, edits, forAll, fuzzTimeout } from '../support/fuzz.ts'

/** Values as calls have them: some travel as JSON, some as V8 writes them. */
const values = fc.oneof(
  fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }),
  fc.constantFrom<unknown>(
    undefined,
    1n << 70n,
    new Date(7),
    /x/gi,
    -0,
    Number.NaN,
    new Uint8Array([1, 2]),
    Buffer.from('b'),
  ),
  fc.constantFrom<unknown>(
    new Map([[{}, new Set([1])]]),
    new Error('e'),
    [undefined, 1],
    new Float64Array(3),
    'x'.repeat(5000),
  ),
  fc.object({
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withSparseArray: true,
    withBigInt: true,
    withDate: true,
  }),
)
const messages = fc.tuple(fc.nat(5), fc.nat(), fc.string({ unit: 'binary', maxLength: 9 }), values)

test(
  'a stream in any pieces is the messages that went in',
  () => {
    forAll(400, fc.tuple(fc.array(messages, { maxLength: 6 }), fc.array(fc.nat(300))), ([sent, cuts]) => {
      const frames = sent.map((message) => encodeFrame(message))
      const stream = Buffer.concat(frames)
      const reader = new FrameReader()
      const bodies: Buffer[] = []
      let at = 0
      for (const cut of [...cuts, stream.length]) {
        bodies.push(...reader.push(stream.subarray(at, at + cut)))
        at += cut
      }
      expect(bodies.map((body) => decodeBody(body))).toEqual(frames.map((frame) => decodeBody(frame.subarray(4))))
    })
  },
  fuzzTimeout,
)

test(
  'a message that was changed is another or an error, and never more than it says',
  () => {
    forAll(6000, fc.tuple(messages, edits(3)), ([message, changes]) => {
      const body = edited(encodeFrame(message).subarray(4), changes)
      try {
        decodeBody(body)
      } catch (error) {
        if (!(error instanceof Error)) throw error
      }
      const reader = new FrameReader()
      try {
        const bodies = reader.push(body)
        const length = bodies.reduce((sum, { length }) => sum + 4 + length, 0)
        if (length > body.length) throw new Error(`${length} of ${body.length} bytes`)
      } catch (error) {
        if (!(error instanceof RangeError) || body.readUInt32BE(0) < 0) throw error
      }
    })
  },
  fuzzTimeout,
)

test('no length above the limit is waited for', () => {
  forAll(300, fc.integer({ min: FRAME_LIMIT + 1, max: 2 ** 32 - 1 }), (length) => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(length)
    expect(() => new FrameReader().push(bytes)).toThrow(RangeError)
  })
})

test('a first line is a hello, the beginning of one, or neither, whatever comes', () => {
  forAll(3000, fc.tuple(edits(3), fc.nat(80)), ([changes, length]) => {
    const bytes = edited(Buffer.concat([HELLO, Buffer.from('rest')]), changes).subarray(0, length)
    const hello = readHello(bytes)
    if (hello.is === 'more' && bytes.length >= 64) throw new Error('it would be waited for without an end')
    if (hello.is === 'hello' && hello.rest.length >= bytes.length) throw new Error('its line is in the rest')
    // More of the same changes no answer.
    if (hello.is === 'foreign') expect(readHello(Buffer.concat([bytes, Buffer.from('x\n')])).is).toBe('foreign')
  })
})

test('whatever is thrown or told travels as an error', () => {
  forAll(1000, fc.anything({ withNullPrototype: true, withBigInt: true }), (thrown) => {
    expect(toError(toPlain(thrown))).toBeInstanceOf(Error)
    expect(toError(thrown)).toBeInstanceOf(Error)
  })
})
