import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Socket } from 'node:net'
import { JobslotError } from '../../errors.ts'
import { type WorkerExit, WorkerExitedError } from '../exit.ts'
import { FollowedLog } from '../output/followed-log.ts'
import { outputLines } from '../output/output.ts'
import { logOf, type Place, socketOf, sweep } from '../place.ts'
import { killGroup } from '../spawn.ts'
import type { CallOptions } from '../wire/calls.ts'
import { SharedLife } from './shared-life.ts'

/** One user's hold on a worker that others may use as well. */
export interface SharedWorker extends AsyncDisposable {
  /** The name that it was joined by. */
  readonly name: string
  /** Of the worker's process; 0 where this platform cannot tell. */
  readonly pid: number
  /** How it ended: both null where it was killed and another process had started it. Null: this user left first. */
  readonly exited: Promise<WorkerExit | null>
  /**
   * Calls a method of the worker and resolves to what it returns. While it waits for the answer, this process stays alive.
   * The wait ends by the answer, the timeout, the signal, `close`, or the worker's end. `T` is what the caller says that
   * comes: nothing checks it.
   *
   * @param payload anything that structured cloning copies
   * @throws what the method throws; WorkerExitedError; JobslotError `ERR_JOBSLOT_TIMEOUT`, `ERR_JOBSLOT_NO_METHOD`,
   * `ERR_JOBSLOT_CLOSED`, `ERR_JOBSLOT_WORKER_TOO_LONG`; the signal's reason
   */
  call<T = unknown>(method: string, payload?: unknown, options?: CallOptions): Promise<T>
  /** Calls a method and wants no answer. @throws WorkerExitedError; JobslotError `ERR_JOBSLOT_CLOSED` */
  notify(method: string, payload?: unknown): void
  /**
   * Sends a signal to the worker, for all its users, and to what it has started. Default SIGTERM. False: it has ended
   * already.
   */
  kill(signal?: NodeJS.Signals): boolean
  /**
   * Leaves: what waits is rejected (`ERR_JOBSLOT_CLOSED`). The last one's leaving ends the worker, `idle` milliseconds later.
   */
  close(): Promise<void>
}

export interface HoldOptions {
  name: string
  place: Place
  socket: Socket
  /** Where this process starts it. */
  child: ChildProcess | null
  pid: number
  /** Whether its lines appear on standard error. */
  log: boolean
}

/** When the lock of a worker that has ended is free at the latest. */
const DEAD_MS = 50

export class Hold implements SharedWorker {
  readonly name: string
  readonly pid: number
  readonly exited: Promise<WorkerExit | null>
  readonly #options: HoldOptions
  readonly #life: SharedLife
  readonly #lines: ReturnType<typeof outputLines>
  #log: FollowedLog | null = null
  #isOver = false

  constructor(options: HoldOptions) {
    const { name, socket, child, pid, log } = options
    this.#options = options
    this.name = name
    this.pid = pid
    this.#lines = outputLines({ name, stderr: log, file: null })
    if (child) this.#follow('start')
    this.#life = new SharedLife({
      name,
      socket,
      child,
      lines: this.#lines,
      onEnd: (hasEnded) => this.#over(hasEnded),
    })
    this.exited = this.#life.exited
  }

  /** False: it ended before it served. Keeps this process alive until that is known, and a child that failed has ended. */
  async serves(until: AbortSignal): Promise<boolean> {
    const { socket, child } = this.#options
    socket.ref()
    child?.ref()
    const onAbort = () => socket.destroy()
    until.addEventListener('abort', onAbort, { once: true })
    try {
      until.throwIfAborted()
      const serves = await this.#life.served
      until.throwIfAborted()
      if (!serves) return false
      if (this.#options.log) this.#follow('end')
      socket.unref()
      child?.unref()
      return true
    } catch (error) {
      socket.destroy()
      throw error
    } finally {
      until.removeEventListener('abort', onAbort)
    }
  }

  /**
   * The starter waits no longer. Others may have joined before it noticed that the worker serves: then it only hangs up.
   * Nobody can where there is no socket yet; such a worker has no use, and would keep its name from others.
   */
  async giveUp(): Promise<void> {
    const { child, place } = this.#options
    this.#isOver = true
    this.#log?.close()
    const runs = child?.exitCode === null && child.signalCode === null
    if (runs && existsSync(socketOf(place))) {
      child.unref()
      return
    }
    if (runs) killGroup(child.pid, 'SIGKILL')
    await this.exited
  }

  /** Why it does not serve. */
  async failure(): Promise<Error> {
    const exit = (await this.exited) ?? { code: null, signal: null }
    return new WorkerExitedError(this.name, 'before it called serve()', exit, this.#lines.last)
  }

  call<T>(method: string, payload?: unknown, options: CallOptions = {}): Promise<T> {
    return this.#life.calls.call<T>(method, payload, options)
  }

  notify(method: string, payload?: unknown): void {
    this.#life.calls.notify(method, payload)
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): boolean {
    // While the connection stands, the number is this worker's.
    return !this.#isOver && killGroup(this.pid, signal)
  }

  async close(): Promise<void> {
    this.#isOver = true
    this.#life.leave(() => new JobslotError('ERR_JOBSLOT_CLOSED', `shared worker ${this.name} was left: connect again`))
    this.#log?.close()
    await this.exited
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #follow(from: 'start' | 'end'): void {
    try {
      this.#log ??= new FollowedLog(logOf(this.#options.place), from, this.#lines, { watched: this.#options.log })
    } catch {
      // Somebody has removed it: there is nothing to show.
    }
  }

  #over(hasEnded: boolean): void {
    this.#isOver = true
    // The last of it is for the message, also where nobody wanted to see more.
    if (hasEnded) this.#follow('start')
    this.#log?.close()
    if (!hasEnded) return
    this.#clear()
    setTimeout(() => this.#clear(), DEAD_MS).unref()
  }

  /** It has left its lock, and its socket where it was killed. */
  #clear(): void {
    const { dir, base } = this.#options.place
    sweep(dir, [base])
  }
}
