import type { Socket } from 'node:net'
import { JobslotError } from '../../errors.ts'
import { Channel } from './channel.ts'
import { CALL, CANCEL, FAILURE, GOODBYE, RESULT, toError, toPlain } from './messages.ts'

/** What a method gets besides its payload. */
export interface CallContext {
  /** Aborts when the caller gives the call up, or ends. */
  readonly signal: AbortSignal
  /** Who calls: the same object for every call of one user. */
  readonly client: WorkerClient
}

/** A process that uses a worker. */
export interface WorkerClient {
  /** As the kernel says, of the process that made the connection; 0 where it cannot tell. */
  readonly pid: number
  /** Aborts when this user has left. */
  readonly closed: AbortSignal
}

/**
 * What a worker does when it is called by name. What it returns, or resolves to, is the answer, copied by structured
 * cloning; what it throws, the caller's error.
 */
// biome-ignore lint/suspicious/noExplicitAny: what a caller sends is for the method to check
export type Method = (payload: any, context: CallContext) => unknown
/** What can be called, by name. */
export type Methods = Record<string, Method>

/** A call that runs. Its signal is made for those who ask for it: most methods do not. */
class Running implements CallContext {
  readonly client: WorkerClient
  #controller: AbortController | null = null
  #reason: unknown = null

  constructor(client: WorkerClient) {
    this.client = client
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#reason) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  abort(reason: unknown): void {
    this.#reason = reason
    this.#controller?.abort(reason)
  }
}

/** Bytes of answers for which the socket has no room yet. */
const MOST_UNREAD = 1024 * 1024

/** One user of a worker, in the worker. */
export class Session {
  readonly #channel: Channel
  readonly #methods: Methods
  readonly #client: WorkerClient
  readonly #running = new Map<number, Running>()

  constructor(socket: Socket, pid: number, methods: Methods, onClose: () => void) {
    this.#methods = methods
    const closed = new AbortController()
    this.#client = { pid, closed: closed.signal }
    this.#channel = new Channel(socket, `the user of this worker (process ${pid})`, {
      onHello: () => {},
      onMessage: (message) => this.#receive(message),
      onClose: (fault) => {
        if (fault) process.emitWarning(fault)
        const reason = new JobslotError(
          'ERR_JOBSLOT_CLOSED',
          `the user (process ${pid}) has left: stop what it asked for`,
        )
        for (const running of this.#running.values()) running.abort(reason)
        closed.abort(reason)
        onClose()
      },
    })
  }

  /** For the `exit` event: what a socket has room for is sent at once. */
  goodbye(status: number): void {
    this.#channel.send([GOODBYE, status])
  }

  #receive([type, id, method, payload]: readonly unknown[]): void {
    if (type === CALL && typeof id === 'number' && typeof method === 'string') {
      // Of two with one number only one could be given up, and the other would go on when its user has left.
      if (this.#running.has(id)) throw new TypeError('a call has the number of one that runs')
      void this.#run(id, method, payload)
    }
    if (type === CANCEL) this.#running.get(id as number)?.abort(cancelled())
  }

  async #run(id: number, method: string, payload: unknown): Promise<void> {
    const running = new Running(this.#client)
    if (id !== 0) this.#running.set(id, running)
    try {
      const value = await this.#methodNamed(method)(payload, running)
      if (id !== 0) this.#answer(value === undefined ? [RESULT, id] : [RESULT, id, value])
    } catch (error) {
      // Nobody waits for it who could be told. A copy: to print the error itself might throw.
      if (id === 0) process.emitWarning(toError(toPlain(error)))
      else this.#answer([FAILURE, id, toPlain(error)])
    } finally {
      this.#running.delete(id)
    }
  }

  /** Who does not read its answers is not listened to until it does: they would fill the memory. */
  #answer(message: readonly unknown[]): void {
    const { socket } = this.#channel
    this.#channel.send(message)
    if (socket.writableLength <= MOST_UNREAD || socket.isPaused()) return
    socket.pause()
    socket.once('drain', () => socket.resume())
  }

  #methodNamed(name: string): Method {
    const method = Object.hasOwn(this.#methods, name) ? this.#methods[name] : undefined
    if (method) return method
    throw new JobslotError(
      'ERR_JOBSLOT_NO_METHOD',
      `the worker serves no method "${name}": it serves ${Object.keys(this.#methods).join(', ') || 'none'}`,
    )
  }
}

const cancelled = () => new DOMException('The caller has given this call up', 'AbortError')
