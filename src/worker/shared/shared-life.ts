import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import type { JobslotError } from '../../errors.ts'
import { type WorkerExit, WorkerExitedError } from '../exit.ts'
import type { Lines } from '../output/lines.ts'
import { Calls, type Ended } from '../wire/calls.ts'
import { Channel } from '../wire/channel.ts'
import { GOODBYE } from '../wire/messages.ts'

export interface SharedLifeOptions {
  name: string
  socket: Socket
  /** Where this process started the worker. */
  child: ChildProcess | null
  lines: Lines
  /** Reads the last of the log, for the message. */
  onEnd(hasEnded: boolean): void
}

/** How long after its socket a child's exit status may come. */
const STATUS_MS = 1000

/** What one user has of a shared worker: a connection, from hello to its end. */
export class SharedLife {
  readonly calls: Calls
  /** Null where this user left first. */
  readonly exited: Promise<WorkerExit | null>
  /** True: the worker serves. False: it had ended before it said so. Rejects where something else answered. */
  readonly served: Promise<boolean>
  readonly #channel: Channel
  readonly #options: SharedLifeOptions
  readonly #childExit: Promise<WorkerExit> | null
  #status: number | null = null
  #left: Ended | null = null

  constructor(options: SharedLifeOptions) {
    this.#options = options
    const { name, socket, child } = options
    this.#childExit = child && exitOf(child)
    let served = (_: boolean) => {}
    let failed = (_: Error) => {}
    this.served = new Promise((resolve, reject) => {
      served = resolve
      failed = reject
    })
    this.served.catch(() => {})
    let over = (_: WorkerExit | null) => {}
    this.exited = new Promise((resolve) => {
      over = resolve
    })
    this.#channel = new Channel(socket, `what answers for the shared worker ${name}`, {
      onHello: () => served(true),
      onMessage: (message) => {
        if (message[0] === GOODBYE) this.#status = typeof message[1] === 'number' ? message[1] : null
        else this.calls.onMessage(message)
      },
      onClose: (fault) => {
        if (fault) failed(fault)
        void this.#closed(fault).then(over)
        served(false)
      },
    })
    this.calls = new Calls(this.#channel, name)
  }

  /** This user needs the worker no more. */
  leave(why: Ended): void {
    this.#left ??= why
    this.calls.end(why)
    this.#channel.close()
  }

  async #closed(fault: JobslotError | null): Promise<WorkerExit | null> {
    if (this.#left) return null
    // The child is no reason to live on, but whoever waits for a call wants to know how it ended.
    const exit: WorkerExit = this.#childExit && !fault ? await this.#childExit : { code: this.#status, signal: null }
    this.#options.onEnd(!fault)
    const { name, lines } = this.#options
    this.calls.end(
      fault ? () => fault : (method) => new WorkerExitedError(name, `before it answered "${method}"`, exit, lines.last),
    )
    return exit
  }
}

/** Of a child whose socket has closed: it has ended, or is about to. */
function exitOf(child: ChildProcess): Promise<WorkerExit> {
  return new Promise((resolve) => {
    child.on('exit', (code, signal) => resolve({ code, signal }))
    child.on('error', () => resolve({ code: null, signal: null }))
    ;(child.stdio[3] as Socket).on('close', () => {
      setTimeout(() => resolve({ code: null, signal: null }), STATUS_MS).unref()
    })
  })
}
