import { describe, expect, test } from 'vitest'
import {
  decodeBody,
  encodeFrame,
  FRAME_LIMIT,
  FrameReader,
  HELLO,
  PROTOCOL,
  readHello,
} from '../../src/worker/wire/frames.ts'
import { toError, toPlain } from '../../src/worker/wire/messages.ts'

describe('frames', () => {
  const messages = [[0], [1, 'text'], [2, { deep: [1n, new Map([[1, 2]])] }], [3, 'x'.repeat(100_000)], []]
  const stream = Buffer.concat(messages.map(encodeFrame))

  test.each([1, 2, 3, 4, 5, 7, 64, 1000, 65_536, stream.length])(
    'are parted when they come %d bytes at a time',
    (size) => {
      const reader = new FrameReader()
      const bodies: Buffer[] = []
      const part = size < 7 ? stream.subarray(0, 200) : stream
      for (let at = 0; at < part.length; at += size) bodies.push(...reader.push(part.subarray(at, at + size)))
      const expected = size < 7 ? messages.slice(0, 3) : messages
      expect(bodies.map((body) => decodeBody(body))).toEqual(expected)
    },
  )

  test('do not share memory', () => {
    const frames = [1, 2].map((n) => encodeFrame([new Uint8Array(8).fill(n)]))
    const bodies = new FrameReader().push(Buffer.concat(frames))
    const [[one], [two]] = bodies.map((body) => decodeBody(body)) as [[Uint8Array], [Uint8Array]]
    expect(one.buffer).not.toBe(two.buffer)
  })

  test('give every view a buffer of its own, as long as it is', () => {
    const sent = [
      new Uint8Array(8).subarray(2, 5),
      new Float64Array([1, 2]),
      new DataView(new ArrayBuffer(3)),
      Buffer.from('abc'),
    ]
    const arrived = decodeBody(encodeFrame([0, sent]).subarray(4)) as [number, NodeJS.ArrayBufferView[]]
    expect(arrived).toStrictEqual([0, sent])
    for (const view of arrived[1]) expect([view.byteOffset, view.buffer.byteLength]).toEqual([0, view.byteLength])
    expect(Buffer.isBuffer(arrived[1][3])).toBe(true)
  })

  test('have a longest length', () => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(FRAME_LIMIT)
    expect(new FrameReader().push(length)).toEqual([])
    length.writeUInt32BE(FRAME_LIMIT + 1)
    expect(() => new FrameReader().push(length)).toThrow(RangeError)
  })

  test('of a message that is too long are not made', () => {
    expect(() => encodeFrame([Buffer.alloc(FRAME_LIMIT)])).toThrow(
      expect.objectContaining({ code: 'ERR_JOBSLOT_WORKER_TOO_LONG' }),
    )
  })
})

describe('the hello', () => {
  test('is one line, known by its first byte and whole with its last', () => {
    for (let length = 0; length < HELLO.length; length++) {
      expect(readHello(HELLO.subarray(0, length))).toEqual({ is: 'more' })
    }
    expect(readHello(HELLO)).toEqual({ is: 'hello', version: PROTOCOL, rest: Buffer.alloc(0) })
    expect(readHello(Buffer.concat([HELLO, Buffer.of(1, 2)]))).toMatchObject({ rest: Buffer.of(1, 2) })
  })

  test.each(['2.15', '99', 'not a number'])('tells version %s', (version) => {
    expect(readHello(Buffer.from(`jobslot-worker ${version}\n`))).toMatchObject({ is: 'hello', version })
  })

  test.each([
    'HTTP/1.1 400 Bad Request\r\n',
    '\0',
    '\n',
    'jobslot-workers 1\n',
    'jobslot-worker \n',
    `jobslot-worker ${'1'.repeat(64)}`,
  ])('is not %j', (text) => {
    expect(readHello(Buffer.from(text))).toEqual({ is: 'foreign' })
  })
})

describe('errors', () => {
  test('come back with class, message, code and stack', () => {
    const error = Object.assign(new TypeError('wrong'), { code: 'E_X', more: () => {} })
    const back = toError(structuredClone(toPlain(error))) as NodeJS.ErrnoException
    expect(back).toBeInstanceOf(TypeError)
    expect([back.name, back.message, back.code, back.stack]).toEqual(['TypeError', 'wrong', 'E_X', error.stack])
    expect(Object.keys(back)).toEqual(['code'])
  })

  test('of unknown classes keep their name, and what is no error becomes one', () => {
    class Own extends Error {
      override name = 'Own'
    }
    expect(toError(toPlain(new Own('x')))).toMatchObject({ name: 'Own', message: 'x' })
    expect(toError(toPlain({ a: 1 })).message).toBe('{ a: 1 }')
    for (const damaged of [null, undefined, 1, 'x', { name: 'constructor' }, { name: 5, stack: {} }]) {
      expect(toError(damaged)).toBeInstanceOf(Error)
    }
  })
})
