import type { JobStore, PulledJob } from '../../../store.ts'
import type { WorkerExitedError } from '../../../worker/exit.ts'
import { logPath } from '../logs.ts'
import { ModuleWorker } from './module-worker.ts'
import { JobLog } from './output.ts'
import type { Assignment, Result, Runner } from './run.ts'

interface Options {
  store: JobStore
  /** Of the module. */
  url: string
  name: string
  env: NodeJS.ProcessEnv
  graceFor(job: PulledJob): Promise<number>
}

/** Runs jobs by a module's default export, in worker processes that are kept for the next ones. */
export class ModuleRunner implements Runner {
  readonly #options: Options
  readonly #workers = new Set<ModuleWorker>()

  constructor(options: Options) {
    this.#options = options
  }

  async run(assignment: Assignment): Promise<Result> {
    const { job, host, joined, end } = assignment
    let log: JobLog | null = null
    try {
      if (end.aborted) return null
      log = new JobLog(logPath(this.#options.store.dir, job), job.attempt)
      return await this.#runIn(this.#freeWorker(), log, assignment)
    } catch (error) {
      return { ok: false, error: error as Error }
    } finally {
      log?.close()
      await host.leave(joined.id, { signaled: false }).catch(() => {})
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.close()))
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
      if (!worker.isFree) this.#workers.delete(worker)
    }
  }

  #freeWorker(): ModuleWorker {
    for (const worker of this.#workers) if (worker.isFree) return worker
    const { url, name, env } = this.#options
    const worker = new ModuleWorker(url, name, env)
    this.#workers.add(worker)
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
