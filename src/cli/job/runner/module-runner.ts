import type { JobStore, PulledJob } from '../../../store.ts'
import type { WorkerExitedError } from '../../../worker/exit.ts'
import { logPath } from '../logs.ts'
import { type ModuleOptions, ModuleWorker } from './module-worker.ts'
import { JobLog } from './output.ts'
import type { Assignment, Result, Runner } from './run.ts'

interface Options extends ModuleOptions {
  store: JobStore
  graceFor(job: PulledJob): Promise<number>
}

/** Runs jobs by a module's default export, in worker processes that are kept for the next ones. */
export class ModuleRunner implements Runner {
  readonly #options: Options
  readonly #all = new Set<ModuleWorker>()
  readonly #idle: ModuleWorker[] = []

  constructor(options: Options) {
    this.#options = options
  }

  /** @throws WorkerExitedError; the signal's reason */
  async prepare(signal: AbortSignal): Promise<void> {
    this.#idle.push(await this.#idleWorker(signal))
  }

  /** @throws WorkerExitedError where there is no worker for the job: it is not to blame */
  async run(assignment: Assignment): Promise<Result> {
    const { job, host, joined, end } = assignment
    let log: JobLog | null = null
    let worker: ModuleWorker | null = null
    try {
      worker = await this.#idleWorker(end)
      log = new JobLog(logPath(this.#options.store.dir, job), job.attempt)
      return await this.#runIn(worker, log, assignment)
    } catch (error) {
      if (end.aborted) return null
      if (!worker) throw error
      return { ok: false, error: error as Error }
    } finally {
      log?.close()
      if (worker && !worker.isOver) this.#idle.push(worker)
      else if (worker) this.#all.delete(worker)
      await host.leave(joined.id, { signaled: false }).catch(() => {})
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#all].map((worker) => worker.close()))
  }

  async #runIn(worker: ModuleWorker, log: JobLog, { job, end, kill }: Assignment): Promise<Result> {
    let isEnding = false
    let timer: NodeJS.Timeout | undefined
    const onKill = () => worker.kill()
    const onEnd = async () => {
      isEnding = true
      worker.tellToEnd(job.id)
      const grace = await this.#options.graceFor(job)
      if (isEnding) timer = setTimeout(onKill, grace)
    }
    end.addEventListener('abort', onEnd, { once: true })
    kill.addEventListener('abort', onKill, { once: true })
    const { id, attempt, request } = job
    try {
      const value = await worker.run({ id, attempt, request }, log)
      return end.aborted ? null : { ok: true, value }
    } catch (error) {
      if (end.aborted) return null
      const told = isExit(error) ? inWords(error) : (error as Error)
      log.write(Buffer.from(`${told instanceof Error ? (told.stack ?? told) : told}\n`))
      return { ok: false, error: told }
    } finally {
      isEnding = false
      clearTimeout(timer)
      end.removeEventListener('abort', onEnd)
      kill.removeEventListener('abort', onKill)
    }
  }

  async #idleWorker(signal: AbortSignal): Promise<ModuleWorker> {
    for (let worker = this.#idle.pop(); worker; worker = this.#idle.pop()) {
      if (!worker.isOver) return worker
      this.#all.delete(worker)
    }
    const worker = await ModuleWorker.start(this.#options, signal)
    this.#all.add(worker)
    return worker
  }
}

function isExit(error: unknown): error is WorkerExitedError {
  return (error as Partial<WorkerExitedError>).code === 'ERR_JOBSLOT_WORKER_EXITED'
}

/** What it had printed is in the logs of its jobs. */
function inWords({ exitCode, signal }: WorkerExitedError): string {
  return `its worker ${signal === null ? `ended with status ${exitCode}` : `was ended by ${signal}`}`
}
