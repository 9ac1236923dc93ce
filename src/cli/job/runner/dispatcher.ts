import { setTimeout as sleep } from 'node:timers/promises'
import type { Joined } from '../../../pool/host.ts'
import { thisProcess } from '../../../pool/this-process.ts'
import type { JobStore, PulledJob } from '../../../store.ts'
import { tell, tellIfSlow } from '../../messages.ts'
import { count } from '../../table.ts'
import type { JobSlots } from './job-slots.ts'
import type { Leftovers } from './leftovers.ts'
import { isPassing, Obstacle, PAUSE_MS } from './passing.ts'
import type { Reports } from './reports.ts'
import type { Result, Runner } from './run.ts'
import { settle } from './settle.ts'

interface Options {
  store: JobStore
  slots: JobSlots
  runner: Runner
  leftovers: Leftovers
  reports: Reports
  drain: boolean
  /** What a pool's status shows of a job. */
  label: string
  /** Whether a job's run is a jobserver's client, which may draw more slots. */
  draws: boolean
}

interface Run {
  id: number
  end: AbortController
  kill: AbortController
  over: Promise<void>
}

/** Who has no slot by then waits for one. */
const WAITS_MS = 100

/** How it came to an end: nothing is left to do, or it was told to end. */
export type WorkEnd = 'drained' | 'paused' | 'stopped'

/** Takes jobs while there are jobs and slots: first the slot, then the job, so that none is claimed that cannot run. */
export class Dispatcher {
  readonly #options: Options
  readonly #running = new Set<Run>()
  /** A wait for the next job's slot. */
  #taking: AbortController | null = null
  #isStopped = false
  readonly #stopping = new AbortController()
  #hasHurry = false
  #failure: unknown
  /** Ends the wait of who tells that there is nothing to do. */
  #idle: (() => void) | null = null
  readonly #obstacle = new Obstacle()
  #finish: (end: WorkEnd) => void = () => {}

  constructor(options: Options) {
    this.#options = options
  }

  get running(): number {
    return this.#running.size
  }

  /** Until nothing is left (`drain`), or `stop`. @throws what makes it impossible to go on, when what runs has ended */
  async work(): Promise<WorkEnd> {
    const { store, leftovers } = this.#options
    const finished = new Promise<WorkEnd>((resolve) => {
      this.#finish = resolve
    })
    const listening = store.onOutlook(this.#look)
    try {
      leftovers.endAllSoon()
      this.#look()
      const end = await finished
      if (this.#failure) throw this.#failure
      return end
    } finally {
      listening[Symbol.dispose]()
      this.#idle?.()
    }
  }

  /** Takes no more; what runs goes on. */
  stop(): void {
    this.#isStopped = true
    this.#stopping.abort()
    this.#look()
  }

  /** Ends what runs: by TERM, and after its grace by KILL; called again: now. */
  end(): void {
    for (const { end, kill } of this.#running) (this.#hasHurry ? kill : end).abort()
    this.#hasHurry = true
  }

  /** Whenever something may have changed. */
  readonly #look = (): void => {
    const { store, drain, reports, leftovers } = this.#options
    const { ready, unfinished, active, paused } = store.outlook
    reports.show({ running: this.#running.size, waiting: unfinished - active })
    this.#tellIfIdle(ready ? 0 : unfinished)
    const isOver = this.#isStopped || (drain && (unfinished === 0 || (paused && active === 0)))
    if (isOver && this.#running.size === 0 && !this.#taking) {
      this.#finish(this.#isStopped ? 'stopped' : unfinished === 0 ? 'drained' : 'paused')
    } else if (ready && !isOver) {
      if (this.#taking) leftovers.endAllSoon()
      else void this.#take()
    } else this.#taking?.abort()
  }

  /** Whoever waits for the end is told what for, where nothing happens here. */
  #tellIfIdle(unfinished: number): void {
    const isIdle = this.#options.drain && unfinished > 0 && this.#running.size === 0 && !this.#taking
    if (!isIdle) this.#idle?.()
    if (!isIdle) this.#idle = null
    else this.#idle ??= tellIfSlow(() => `waiting for jobs that are delayed, or run elsewhere: see jobslot job list`)
  }

  async #take(): Promise<void> {
    const taking = new AbortController()
    this.#taking = taking
    try {
      const joined = await this.#join(taking.signal)
      if (joined) await this.#claim(joined)
      this.#obstacle.gone()
    } catch (error) {
      if (isPassing(error)) await this.#rest(error as Error, taking.signal)
      else this.#fail(error)
    } finally {
      this.#taking = null
      this.#look()
    }
  }

  /** Holds no slot meanwhile. Ends after its time, or when nothing is to be taken any more. */
  async #rest(error: Error, signal: AbortSignal): Promise<void> {
    this.#obstacle.tell(error)
    await sleep(PAUSE_MS, undefined, { signal }).catch(() => {})
  }

  #fail(error: unknown): void {
    this.#failure ??= error
    this.#isStopped = true
  }

  /** Null: there is nothing to be run any more. */
  async #join(signal: AbortSignal): Promise<Joined | null> {
    const { slots, leftovers, label, draws } = this.#options
    // That its own jobs have them all is nothing to tell.
    const served =
      this.#running.size > 0
        ? () => {}
        : tellIfSlow(async () => `waiting for 1 slot of ${slots.name}${await slots.whatIsHeld()}`)
    // What killed workers have left may hold the slot that this one waits for.
    const waits = setTimeout(() => leftovers.endAllSoon(), WAITS_MS)
    try {
      const asked = { kind: 'job', label, min: 1, max: 1, draws, limit: null, priority: 0, weight: 1 } as const
      return await slots.host.join({ ...asked, ...thisProcess() }, { signal })
    } catch (error) {
      if (signal.aborted) return null
      throw error
    } finally {
      clearTimeout(waits)
      served()
    }
  }

  async #claim(joined: Joined): Promise<void> {
    const { store, slots } = this.#options
    let job: PulledJob | undefined
    try {
      job = this.#isStopped ? undefined : await store.pullJob()
    } finally {
      if (!job) await slots.host.leave(joined.id, { signaled: false })
    }
    if (!job) return
    // Earlier runs of the same job here, which their claims were taken from, have to end before.
    const before = Promise.all([...this.#running].filter(({ id }) => id === job.id).map(({ over }) => over))
    const run: Run = { id: job.id, end: new AbortController(), kill: new AbortController(), over: Promise.resolve() }
    this.#running.add(run)
    run.over = this.#run(job, joined, run, before).finally(() => {
      this.#running.delete(run)
      this.#look()
    })
  }

  async #run(job: PulledJob, joined: Joined, { end, kill }: Run, before: Promise<unknown>): Promise<void> {
    const { store, slots, runner, leftovers, reports } = this.#options
    const began = performance.now()
    const lose = () => end.abort()
    if (job.signal.aborted) lose()
    else job.signal.addEventListener('abort', lose, { once: true })
    if (this.#hasHurry) lose()
    try {
      if (job.attempt > 1) await job.beginAfter(before.then(() => leftovers.endOf(job)))
      const signals = { end: end.signal, kill: kill.signal, stop: this.#stopping.signal }
      const result: Result = await runner.run({ job, host: slots.host, joined, ...signals })
      const settled = await settle(store, job, result, end.signal)
      reports.ended({ ...settled, id: job.id, attempt: job.attempt, ms: performance.now() - began })
    } catch (error) {
      this.#fail(error)
    } finally {
      job.signal.removeEventListener('abort', lose)
    }
  }
}

/** What was not done, for the end of `--drain`. */
export function tellPaused(unfinished: number): void {
  tell(
    `the store is paused, with ${count(unfinished, 'job')} in it that ${unfinished === 1 ? 'waits' : 'wait'}: see jobslot job resume`,
  )
}
