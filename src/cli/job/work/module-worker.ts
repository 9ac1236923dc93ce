import { fileURLToPath } from 'node:url'
import { JobslotError } from '../../../errors.ts'
import type { SentJob } from '../../../worker/default-export.ts'
import { Lines } from '../../../worker/lines.ts'
import { PrivateLife } from '../../../worker/private-life.ts'
import type { JobLog } from './output.ts'

const MAIN = fileURLToPath(new URL('../../dist/worker/default-export.js', import.meta.url))
const START_MS = 30_000
/** What waits for an answer waits for ever; a call must have some time. */
const FOREVER_MS = 0x7fffffff

/** A worker that runs one job after the other by a module. */
export class ModuleWorker {
  readonly #life: PrivateLife
  readonly #lines: Lines
  #log: JobLog | null = null
  #isOver = false

  constructor(url: string, name: string, env: NodeJS.ProcessEnv) {
    this.#lines = new Lines((lines) => this.#log?.write(Buffer.from(`${lines.join('\n')}\n`, 'latin1')))
    const module = { path: MAIN, name }
    this.#life = new PrivateLife({ name, module, args: [url], execArgv: [], env, cwd: undefined, lines: this.#lines })
    void this.#life.exited.then(() => {
      this.#isOver = true
    })
  }

  /** Whether it can run another job. */
  get isFree(): boolean {
    return !this.#isOver && this.#log === null
  }

  /** What it prints goes into the log. @throws what the job's function throws; WorkerExitedError */
  async run(job: SentJob, log: JobLog): Promise<string | Uint8Array | undefined> {
    this.#log = log
    try {
      await this.#served()
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

  async #served(): Promise<void> {
    const timer = setTimeout(() => this.kill(), START_MS)
    try {
      await this.#life.served
    } finally {
      clearTimeout(timer)
    }
  }
}
