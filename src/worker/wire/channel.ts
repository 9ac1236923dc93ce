import type { Socket } from 'node:net'
import { JobslotError } from '../../errors.ts'
import { decodeBody, encodeFrame, FrameReader, HELLO, PROTOCOL, readHello, UndecodableValue } from './frames.ts'
import { CALL, FAILURE, RESULT, toPlain } from './messages.ts'

export interface ChannelEvents {
  /** The other side speaks the same protocol. */
  onHello(): void
  onMessage(message: readonly unknown[]): void
  /** Once. `fault`: the other side said what cannot be understood. */
  onClose(fault: JobslotError | null): void
}

/** Messages over a socket: what both ends have in common. `peer` is what the other end is called in messages. */
export class Channel {
  readonly socket: Socket
  readonly #peer: string
  readonly #events: ChannelEvents
  readonly #reader = new FrameReader()
  #greeting: Buffer | null = Buffer.alloc(0)
  #isClosed = false

  constructor(socket: Socket, peer: string, events: ChannelEvents) {
    this.socket = socket
    this.#peer = peer
    this.#events = events
    socket.on('data', (chunk) => this.#read(chunk))
    // What went wrong does not matter: it is closed.
    socket.on('error', () => {})
    socket.on('end', () => this.close())
    socket.on('close', () => this.#closed(null))
    socket.write(HELLO)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** @throws what V8 throws where something in the message cannot be cloned; then nothing was sent */
  send(message: readonly unknown[]): void {
    const frame = encodeFrame(message)
    if (!this.#isClosed) this.socket.write(frame)
  }

  close(): void {
    this.socket.destroy()
  }

  #read(chunk: Buffer): void {
    try {
      for (const body of this.#reader.push(this.#greeting ? this.#greet(chunk) : chunk)) {
        const message = this.#decode(body)
        if (this.#isClosed) return
        if (message) this.#events.onMessage(message)
      }
    } catch (cause) {
      this.#closed(cause instanceof JobslotError ? cause : this.#fault('sent what is no message', cause))
      this.close()
    }
  }

  /** Null: the value of this call cannot be decoded, and who sent it has been told. */
  #decode(body: Buffer): readonly unknown[] | null {
    try {
      const message: unknown = decodeBody(body)
      if (Array.isArray(message) && typeof message[0] === 'number') return message
    } catch (error) {
      if (!(error instanceof UndecodableValue)) throw error
      const [type, id] = error.head
      const fault = this.#fault(
        'sent a value that cannot be decoded: nest it less deeply, or send it as text',
        error.cause,
      )
      if (type === RESULT) return [FAILURE, id, toPlain(fault)]
      if (type !== CALL) throw error
      if (id === 0) process.emitWarning(fault)
      else this.send([FAILURE, id, toPlain(fault)])
      return null
    }
    throw new TypeError('no message')
  }

  /** What follows the greeting, once it is whole. */
  #greet(chunk: Buffer): Buffer {
    const bytes = Buffer.concat([this.#greeting ?? chunk, chunk])
    const hello = readHello(bytes)
    if (hello.is === 'foreign') throw this.#fault('is none: something else answers there, end it or use another name')
    if (hello.is === 'more') {
      this.#greeting = bytes
      return Buffer.alloc(0)
    }
    if (hello.version !== PROTOCOL) {
      throw this.#fault(
        `speaks version ${hello.version} of the protocol and this program ${PROTOCOL}: use the same versions of jobslot ` +
          'and Node on both sides, or another name',
      )
    }
    this.#greeting = null
    this.#events.onHello()
    return hello.rest
  }

  #fault(what: string, cause?: unknown): JobslotError {
    return new JobslotError('ERR_JOBSLOT_WORKER_PROTOCOL', `${this.#peer} ${what}`, { cause })
  }

  #closed(fault: JobslotError | null): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#events.onClose(fault)
  }
}
