import { DefaultDeserializer, DefaultSerializer, serialize } from 'node:v8'
import { JobslotError } from '../../errors.ts'
import { isSimple } from './simple.ts'

/** The longest message, in bytes. A length above it is no length, but damage or something that is no worker. */
export const FRAME_LIMIT = 256 * 1024 * 1024
const HEADER_LENGTH = 4

/** Version of the messages, and of V8's serialization that they are written in, which differs between some Nodes. */
export const PROTOCOL = `1.${serialize(null)[1]}`
const GREETING = 'jobslot-worker '
/** What either side says first. One line of text, so that any later version can read it. */
export const HELLO = Buffer.from(`${GREETING}${PROTOCOL}\n`)
const LONGEST_HELLO = 64

/** With this a message begins that is JSON; V8's begin with 255. */
const JSON_START = '['.charCodeAt(0)

/** A message with its length before it. @throws what V8 throws where something in it cannot be cloned */
export function encodeFrame(message: readonly unknown[]): Buffer {
  if (isSimple(message)) {
    const text = JSON.stringify(message)
    const frame = Buffer.allocUnsafe(HEADER_LENGTH + Buffer.byteLength(text))
    frame.writeUInt32BE(frame.length - HEADER_LENGTH, 0)
    frame.write(text, HEADER_LENGTH)
    return frame
  }
  const serializer = new DefaultSerializer()
  serializer.writeRawBytes(Buffer.alloc(HEADER_LENGTH))
  serializer.writeHeader()
  // The last element is a value of its own: where it cannot be decoded, the rest still tells whose it is.
  serializer.writeValue(message.slice(0, -1))
  serializer.writeValue(message.at(-1))
  const frame = serializer.releaseBuffer()
  const length = frame.length - HEADER_LENGTH
  if (length > FRAME_LIMIT) {
    throw new JobslotError(
      'ERR_JOBSLOT_WORKER_TOO_LONG',
      `a message of ${length} bytes is longer than a worker can be sent (${FRAME_LIMIT}): pass the path of a file, or parts`,
    )
  }
  frame.writeUInt32BE(length, 0)
  return frame
}

/** A message whose last element cannot be decoded; `head` is what comes before it. */
export class UndecodableValue extends Error {
  readonly head: readonly unknown[]

  constructor(head: readonly unknown[], cause: unknown) {
    super('a value cannot be decoded', { cause })
    this.head = head
  }
}

/** What `encodeFrame` was given. @throws UndecodableValue; SyntaxError, Error for what is none */
export function decodeBody(body: Buffer): unknown {
  if (body[0] === JSON_START) return JSON.parse(body.toString('utf8'))
  const deserializer = new Decoder(body)
  deserializer.readHeader()
  const head: unknown = deserializer.readValue()
  if (!Array.isArray(head)) throw new TypeError('no message')
  try {
    return [...head, deserializer.readValue()]
  } catch (cause) {
    throw new UndecodableValue(head, cause)
  }
}

/** A copy as the other side would get it. @throws what `encodeFrame` and `decodeBody` do */
export function copyOf(value: unknown): unknown {
  return (decodeBody(encodeFrame([value]).subarray(HEADER_LENGTH)) as [unknown])[0]
}

/** Parts a stream into messages, as yet undecoded. */
export class FrameReader {
  #parts: Buffer[] = []
  #have = 0
  #wanted = HEADER_LENGTH

  /** @throws RangeError at a length that no message has */
  push(chunk: Buffer): Buffer[] {
    this.#parts.push(chunk)
    this.#have += chunk.length
    // A long message comes in many chunks: they are joined once.
    if (this.#have < this.#wanted) return []
    const all = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts)
    const bodies: Buffer[] = []
    let at = 0
    this.#wanted = HEADER_LENGTH
    while (all.length - at >= HEADER_LENGTH) {
      const length = all.readUInt32BE(at)
      if (length > FRAME_LIMIT) throw new RangeError(`a length of ${length} bytes`)
      const end = at + HEADER_LENGTH + length
      if (end > all.length) {
        this.#wanted = HEADER_LENGTH + length
        break
      }
      bodies.push(all.subarray(at + HEADER_LENGTH, end))
      at = end
    }
    this.#parts = at < all.length ? [all.subarray(at)] : []
    this.#have = all.length - at
    return bodies
  }
}

/** Gives each view a buffer of its own, where V8 points into the message: its user may hand it on, or look at its length. */
class Decoder extends DefaultDeserializer {
  _readHostObject(): unknown {
    const view = (
      DefaultDeserializer.prototype as unknown as { _readHostObject(): NodeJS.ArrayBufferView }
    )._readHostObject.call(this)
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice().buffer
    if (Buffer.isBuffer(view)) return Buffer.from(bytes)
    return new (view.constructor as new (buffer: ArrayBuffer) => NodeJS.ArrayBufferView)(bytes)
  }
}

export type Hello = { is: 'more' } | { is: 'hello'; version: string; rest: Buffer } | { is: 'foreign' }

/** What the first bytes of a stream are. Pure. */
export function readHello(bytes: Buffer): Hello {
  const end = bytes.indexOf(0x0a)
  const line = bytes.toString('latin1', 0, end < 0 ? Math.min(bytes.length, LONGEST_HELLO) : end)
  const isStart = line.length < GREETING.length ? GREETING.startsWith(line) : line.startsWith(GREETING)
  if (!isStart || line.length >= LONGEST_HELLO || (end >= 0 && line.length <= GREETING.length)) return { is: 'foreign' }
  if (end < 0) return { is: 'more' }
  return { is: 'hello', version: line.slice(GREETING.length), rest: bytes.subarray(end + 1) }
}
