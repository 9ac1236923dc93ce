import { readFileSync } from 'node:fs'
import { findMarked, type ProcessIdentity } from '../../../pool/survivors.ts'
import { readProcess } from '../../../proc.ts'
import type { JobStore } from '../../../store.ts'
import { endProcesses } from './end-processes.ts'
import { RUN_VARIABLE, type RunMark, runsIn, storeMark, workersIn } from './run-marks.ts'

/** However often it is asked for: all processes of the machine are looked at. */
const SOON_MS = 200

interface Leftover extends ProcessIdentity {
  runs: RunMark[]
  /** It ran jobs for a `job work` that has ended. */
  isOrphan: boolean
}

/**
 * Processes of runs that are over, of jobs that are not: their worker was killed, or lost them. They have to end before
 * the job runs once more.
 */
export class Leftovers {
  readonly mark: string
  readonly #store: JobStore
  readonly #grace: number
  #timer: NodeJS.Timeout | undefined

  constructor(store: JobStore, grace: number) {
    this.mark = storeMark(store.dir)
    this.#store = store
    this.#grace = grace
  }

  /** Ends those of this job's earlier runs. */
  async endOf({ id, attempt }: RunMark): Promise<void> {
    const isEarlier = (run: RunMark) => run.id === id && run.attempt < attempt
    for (;;) {
      const found = this.#find().filter(({ runs, isOrphan }) => isOrphan || runs.some(isEarlier))
      if (found.length === 0) return
      await endProcesses(found, this.#grace)
    }
  }

  /** Soon ends those of all jobs: they hold slots that somebody may wait for. */
  endAllSoon(): void {
    this.#timer ??= setTimeout(() => {
      const done = () => {
        this.#timer = undefined
      }
      // What is wrong with the store is told to who asks it for jobs.
      this.#endAll().then(done, done)
    }, SOON_MS).unref()
  }

  async #endAll(): Promise<void> {
    const over: Leftover[] = []
    // After they were found: a run that the store does not know by now has not begun.
    for (const one of this.#find()) if (await this.#isOver(one)) over.push(one)
    await endProcesses(over, this.#grace)
  }

  async #isOver({ runs, isOrphan }: Leftover): Promise<boolean> {
    if (isOrphan) return true
    for (const { id, attempt } of runs) {
      const job = await this.#store.get(id)
      const isUnfinished = job?.state === 'pending' || job?.state === 'delayed' || job?.state === 'active'
      if (isUnfinished && !(job.state === 'active' && job.attempt === attempt)) return true
    }
    return false
  }

  #find(): Leftover[] {
    return findMarked(this.mark, RUN_VARIABLE).map((one) => {
      const text = runVariableOf(one.pid)
      const isOrphan = workersIn(text, this.mark).some(({ pid, startTime }) => !isAlive(pid, startTime))
      return { ...one, runs: runsIn(text, this.mark), isOrphan }
    })
  }
}

function isAlive(pid: number, startTime: string): boolean {
  const found = readProcess(pid)
  return found !== null && !found.ended && found.startTime === startTime
}

function runVariableOf(pid: number): string {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
    return environment.find((variable) => variable.startsWith(`${RUN_VARIABLE}=`))?.slice(RUN_VARIABLE.length + 1) ?? ''
  } catch {
    // It has ended meanwhile.
    return ''
  }
}
