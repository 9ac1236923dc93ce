import { join } from 'node:path'
import { JobslotError } from '../../../errors.ts'
import type { SentJob } from '../../../worker/inside/default-export.ts'
import { Lines } from '../../../worker/output/lines.ts'
import { PrivateLife } from '../../../worker/private/private-life.ts'
import type { JobLog } from './output.ts'

const MAIN = join(import.meta.dirname, '../../dist/worker/inside/default-export.js')
const START_MS = 30_000
/** What waits for an answer waits for ever; a call must have some time. */
const FOREVER_MS = 0x7fffffff

export interface ModuleOptions {
  /** Of the module. */
  url: string
  name: string
  env: NodeJS.ProcessEnv
}

/** A worker that runs one job after the other by a module. */
export class ModuleWorker {
  readonly #life: PrivateLife
  readonly #lines: Lines
  #log: JobLog | null = null
  #isOver = false

  private constructor({ url, name, env }: ModuleOptions) {
    this.#lines = new Lines((lines) => this.#log?.write(Buffer.from(`${lines.join('\n')}\n`, 'latin1')))
    const module = { path: MAIN, name }
    this.#life = new PrivateLife({ name, module, args: [url], execArgv: [], env, cwd: undefined, lines: this.#lines })
    void this.#life.exited.then(() => {
      this.#isOver = true
    })
  }

  /** @throws WorkerExitedError where the module cannot run jobs; the signal's reason */
  static async start(options: ModuleOptions, signal: AbortSignal): Promise<ModuleWorker> {
    signal.throwIfAborted()
    const worker = new ModuleWorker(options)
    const kill = () => worker.kill()
    signal.addEventListener('abort', kill, { once: true })
    const timer = setTimeout(kill, START_MS)
    try {
      await worker.#life.served
      return worker
    } catch (error) {
      signal.throwIfAborted()
      throw error
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', kill)
    }
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** What it prints goes into the log. @throws what the job's function throws; WorkerExitedError */
  async run(job: SentJob, log: JobLog): Promise<string | Uint8Array | undefined> {
    this.#log = log
    try {
      return await this.#life.calls.call('run', job, { timeout: FOREVER_MS })
    } finally {
      this.#life.pump()
      this.#lines.end()
      this.#log = null
    }
  }

  /** Tells the job's function that it is to end. */
  tellToEnd(id: number): void {
    try {
      this.#life.calls.notify('end', id)
    } catch {
      // It has ended.
    }
  }

  kill(): void {
    this.#life.kill('SIGKILL')
  }

  async close(): Promise<void> {
    await this.#life.end(() => new JobslotError('ERR_JOBSLOT_CLOSED', 'the worker was closed'))
  }
}
