import { resolve } from 'node:path'
import { JobslotError } from '../../errors.ts'
import { checkOptions } from '../../options.ts'
import type { WorkerEnv } from '../environment.ts'
import { printed, type WorkerExit } from '../exit.ts'
import { checkLog, outputLines } from '../output/output.ts'
import { type WorkerModule, workerModule } from '../spawn.ts'
import { CALL_TIMEOUT_MS, type CallOptions, checkMethod, checkTimeout, lateAnswer } from '../wire/calls.ts'
import { copyOf } from '../wire/frames.ts'
import { PrivateLife } from './private-life.ts'

/** How a worker is started. */
export interface StartOptions {
  /** Words behind the module, in the worker's `process.argv`. Default none. */
  args?: readonly string[] | undefined
  /** Laid over this process's environment; undefined takes a variable away. */
  env?: WorkerEnv | undefined
  /**
   * Where what the worker prints appears. Default true: on this process's standard error, line by line behind its name. A
   * path: in that file, too. false: nowhere.
   */
  log?: string | boolean | undefined
  /** Milliseconds from the start until the module serves. Default 30,000. */
  timeout?: number | undefined
  /** Ends the start, and the worker with it; `startWorker` rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /** What it is called in messages and before its lines. Default the module's. */
  name?: string | undefined
  /** Flags for Node. Default none: not those of this process. */
  execArgv?: readonly string[] | undefined
  /** The folder that it runs in. Default this process's. */
  cwd?: string | undefined
}

/** A process that this one started, and that ends with it. */
export interface Worker extends AsyncDisposable {
  /** What it is called in messages. */
  readonly name: string
  /** Of its process; after `restart`, of the new one. */
  readonly pid: number
  /** How it ended; after `restart`, how the new one will. Waiting for it does not keep this process alive. */
  readonly exited: Promise<WorkerExit>
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
  /** Sends a signal to the worker and what it has started. Default SIGTERM. False: it has ended already. */
  kill(signal?: NodeJS.Signals): boolean
  /**
   * Ends it, and starts it anew with other arguments or another environment. Calls that come meanwhile wait. Resolves when
   * the new one serves.
   *
   * @param changes what it was started with stays, where nothing is said of it
   * @throws WorkerExitedError; JobslotError `ERR_JOBSLOT_TIMEOUT`, `ERR_JOBSLOT_CLOSED`
   */
  restart(changes?: { args?: readonly string[] | undefined; env?: WorkerEnv | undefined }): Promise<void>
  /** Lets it end in order; after half a second it is killed. What waits is rejected (`ERR_JOBSLOT_CLOSED`). */
  close(): Promise<void>
}

export const START_TIMEOUT_MS = 30_000

const STARTING = ['args', 'env', 'log', 'timeout', 'signal', 'name', 'execArgv', 'cwd']

/** `startWorker` of `jobslot/worker`. */
export async function startPrivate(module: string | URL, options: StartOptions = {}): Promise<Worker> {
  checkOptions('startWorker', options, STARTING)
  const worker = new PrivateWorker(workerModule(module), options)
  await worker.started
  return worker
}

class PrivateWorker implements Worker {
  readonly name: string
  readonly #module: WorkerModule
  readonly #timeout: number
  readonly #output: { stderr: boolean; file: string | null }
  #options: StartOptions
  #life: PrivateLife
  #restarting: Promise<void> | null = null
  /** What is to be sent when the restart is over, or told why there is none. */
  #waiting: Waiting[] = []
  #closing: Promise<void> | null = null
  readonly started: Promise<void>

  constructor(module: WorkerModule, options: StartOptions) {
    const { name = module.name, log = true, timeout = START_TIMEOUT_MS } = options
    checkTimeout(timeout)
    checkArgs(options.args)
    this.name = printable(name)
    this.#module = module
    this.#options = options
    this.#timeout = timeout
    const file = typeof log === 'string' ? resolve(log) : null
    if (file !== null) checkLog(file)
    this.#output = { stderr: log !== false, file }
    options.signal?.throwIfAborted()
    this.#life = this.#begin()
    this.started = this.#served(this.#life, options.signal)
  }

  get pid(): number {
    return this.#life.pid ?? -1
  }

  get exited(): Promise<WorkerExit> {
    return this.#life.exited
  }

  call<T>(method: string, payload?: unknown, options: CallOptions = {}): Promise<T> {
    if (this.#restarting && !this.#closing) return this.#callAfterRestart(method, payload, options)
    return this.#life.calls.call<T>(method, payload, options)
  }

  notify(method: string, payload?: unknown): void {
    if (!this.#restarting || this.#closing) {
      this.#life.calls.notify(method, payload)
      return
    }
    checkMethod(method)
    const copy = copyOf(payload)
    const send = () => {
      try {
        this.#life.calls.notify(method, copy)
      } catch {
        // It has ended again: nobody to notify, and nobody who waits.
      }
    }
    this.#waiting.push({ send, fail: () => {} })
  }

  /** The same as a call at once, for its caller: the payload is copied now, and the time runs. */
  async #callAfterRestart<T>(method: string, payload: unknown, options: CallOptions): Promise<T> {
    const { timeout = CALL_TIMEOUT_MS, signal } = options
    checkMethod(method)
    checkTimeout(timeout)
    signal?.throwIfAborted()
    const copy = copyOf(payload)
    const since = performance.now()
    return new Promise<T>((resolve, reject) => {
      const release = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
      const fail = (error: unknown) => {
        release()
        this.#waiting = this.#waiting.filter((other) => other !== waiting)
        reject(error)
      }
      const onAbort = () => fail(signal?.reason)
      const timer = setTimeout(() => fail(lateAnswer(this.name, method, timeout)), timeout)
      const send = () => {
        release()
        resolve(this.#life.calls.call<T>(method, copy, options, performance.now() - since))
      }
      const waiting = { send, fail }
      this.#waiting.push(waiting)
      signal?.addEventListener('abort', onAbort, { once: true })
      if (signal?.aborted) onAbort()
    })
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): boolean {
    return this.#life.kill(signal)
  }

  async restart({
    args,
    env,
  }: {
    args?: readonly string[] | undefined
    env?: WorkerEnv | undefined
  } = {}): Promise<void> {
    checkArgs(args)
    if (this.#closing) throw this.#closed(CLOSED)
    if (args) this.#options = { ...this.#options, args }
    if (env) this.#options = { ...this.#options, env }
    const restarting = this.#restart(this.#restarting)
    this.#restarting = restarting
    const over = (how: (waiting: Waiting) => void) => {
      if (this.#restarting !== restarting) return
      this.#restarting = null
      for (const waiting of this.#waiting.splice(0)) how(waiting)
    }
    restarting.then(
      () => over(({ send }) => send()),
      (error) => over(({ fail }) => fail(error)),
    )
    return restarting
  }

  async #restart(before: Promise<void> | null): Promise<void> {
    await before?.catch(() => {})
    await this.#life.end((method) => this.#closed(`was restarted before it answered "${method}": call again`))
    if (this.#closing) throw this.#closed(CLOSED)
    this.#life = this.#begin()
    await this.#served(this.#life)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** A restart that is going on ends with the life that it waits for, and begins no other. */
  async #close(): Promise<void> {
    for (const { fail } of this.#waiting.splice(0)) fail(this.#closed(CLOSED))
    await this.#life.end(() => this.#closed(CLOSED))
    await this.#restarting?.catch(() => {})
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #begin(): PrivateLife {
    const { args = [], env = {}, execArgv = [], cwd } = this.#options
    const lines = outputLines({ name: this.name, ...this.#output })
    const options = { name: this.name, module: this.#module, args, execArgv, cwd, lines }
    return new PrivateLife({ ...options, env: { ...process.env, ...env } })
  }

  async #served(life: PrivateLife, signal?: AbortSignal): Promise<void> {
    let why: unknown = null
    const giveUp = (reason: unknown) => {
      why = reason
      life.kill('SIGKILL')
    }
    // The timer keeps this process alive, as does any wait that somebody has asked for.
    const timer = setTimeout(() => giveUp(this.#late(life)), this.#timeout)
    const onAbort = () => giveUp(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await life.served
    } catch (error) {
      throw why ?? error
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  #late(life: PrivateLife): JobslotError {
    return new JobslotError(
      'ERR_JOBSLOT_TIMEOUT',
      `worker ${this.name} did not call serve() within ${this.#timeout} ms: give it more time (timeout), or look at what ` +
        `it does; ${printed(life.lastLines)}`,
    )
  }

  #closed(what: string): JobslotError {
    return new JobslotError('ERR_JOBSLOT_CLOSED', `worker ${this.name} ${what}`)
  }
}

interface Waiting {
  send(): void
  fail(error: unknown): void
}

const CLOSED = 'was closed: start another'

/** @throws TypeError for what would be noticed when the old process has ended already */
function checkArgs(args: unknown): void {
  const isWord = (arg: unknown) => typeof arg === 'string' && !arg.includes('\0')
  if (args === undefined || (Array.isArray(args) && args.every(isWord))) return
  throw new TypeError('args must be an array of strings without null characters')
}

/** A name stands in lines and messages: without what would end a line or move a cursor. */
export function printable(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  return String(name).replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')
}
