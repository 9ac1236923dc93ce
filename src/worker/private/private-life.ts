import type { ChildProcess } from 'node:child_process'
import { JobslotError } from '../../errors.ts'
import { native } from '../../native/load.ts'
import type { WorkerEnv } from '../environment.ts'
import { type WorkerExit, WorkerExitedError } from '../exit.ts'
import { type Drain, openDrain } from '../output/drains.ts'
import type { Lines } from '../output/lines.ts'
import { killGroup, spawnWorker, type WorkerModule } from '../spawn.ts'
import { Calls, type Ended } from '../wire/calls.ts'
import { Channel } from '../wire/channel.ts'

export interface LifeOptions {
  name: string
  module: WorkerModule
  args: readonly string[]
  execArgv: readonly string[]
  env: WorkerEnv
  cwd: string | undefined
  lines: Lines
}

/** How long a worker has to end in order. Its guard sees to it; this process looks a moment later. */
export const GRACE_MS = 500
const GRACE_HERE_MS = 1000
/** After its end, how long to wait for what it still sent: what lies in the socket is there at once. */
const LAST_WORDS_MS = 200

/** One process of a private worker, from its start to its end. */
export class PrivateLife {
  readonly calls: Calls
  readonly pid: number | undefined
  readonly exited: Promise<WorkerExit>
  /** The module serves; rejects where the process ends first. */
  readonly served: Promise<void>
  readonly #child: ChildProcess
  readonly #channel: Channel
  readonly #options: LifeOptions
  readonly #drain: Drain
  #why: Ended | null = null
  #isOver = false

  constructor(options: LifeOptions) {
    const { name, module, args, execArgv, env, cwd, lines } = options
    this.#options = options
    const drain = openDrain({
      onBytes: (bytes) => lines.push(bytes),
      onDropped: (count, bytes) => lines.gap(count, bytes),
      onEnd: () => lines.end(),
    })
    this.#drain = drain
    try {
      const { child, socket } = spawnWorker({
        ...{ module, args, execArgv, env, cwd, output: drain.writeEnd },
        life: { kind: 'private', name, graceMs: GRACE_MS, close: [] },
      })
      this.#child = child
      // Whoever starts one waits for it.
      child.ref()
      let served = () => {}
      let failed = (_: Error) => {}
      this.served = new Promise((resolve, reject) => {
        served = resolve
        failed = reject
      })
      this.served.catch(() => {})
      let closed = () => {}
      const isClosed = new Promise<void>((resolve) => {
        closed = resolve
      })
      this.#channel = new Channel(socket, `worker ${name}`, {
        onHello: () => {
          child.unref()
          served()
        },
        onMessage: (message) => this.calls.onMessage(message),
        onClose: (fault) => {
          if (fault) this.#why ??= () => fault
          this.#endSoon()
          closed()
        },
      })
      this.calls = new Calls(this.#channel, name)
      this.pid = child.pid
      this.exited = new Promise((resolve) => {
        child.on('error', (cause) => {
          this.#why ??= () => cannotStart(name, cause)
          failed(cannotStart(name, cause))
          if (child.pid === undefined) this.#over({ code: null, signal: null }, resolve, failed)
        })
        child.on('exit', (code, signal) => {
          // An answer may still lie in the socket.
          const late = setTimeout(() => this.#channel.close(), LAST_WORDS_MS)
          void isClosed.then(() => {
            clearTimeout(late)
            drain.pump()
            this.#over({ code, signal }, resolve, failed)
          })
        })
      })
    } finally {
      // Not by `fs`, which in a worker thread warns of descriptors that it has not opened.
      native().close(drain.writeEnd)
    }
  }

  get lastLines(): string {
    return this.#options.lines.last
  }

  /** Hands over what it has printed by now. */
  pump(): void {
    if (!this.#isOver) this.#drain.pump()
  }

  kill(signal: NodeJS.Signals): boolean {
    return !this.#isOver && killGroup(this.pid, signal)
  }

  /** Lets it end in order, and kills it where it does not. `why`: what pending calls reject with. */
  async end(why: Ended): Promise<void> {
    if (this.#isOver) return
    this.#why = why
    this.calls.end(why)
    this.#channel.close()
    this.#endSoon()
    await this.exited
  }

  #endSoon(): void {
    if (this.#isOver) return
    this.#child.ref()
    const timer = setTimeout(() => this.kill('SIGKILL'), GRACE_HERE_MS)
    void this.exited.then(() => clearTimeout(timer))
  }

  #over(exit: WorkerExit, resolve: (exit: WorkerExit) => void, failed: (error: Error) => void): void {
    this.#isOver = true
    const { name, lines } = this.#options
    const when = (method: string) => `before it answered "${method}"`
    failed(this.#why?.('') ?? new WorkerExitedError(name, 'before it called serve()', exit, lines.last))
    this.calls.end(this.#why ?? ((method) => new WorkerExitedError(name, when(method), exit, lines.last)))
    resolve(exit)
  }
}

function cannotStart(name: string, cause: Error): JobslotError {
  return new JobslotError('ERR_JOBSLOT_WORKER_EXITED', `worker ${name} cannot be started: ${cause.message}`, { cause })
}
