import { writeSync } from 'node:fs'
import type { JobState, JobStore } from '../../../store.ts'
import { tell, visible } from '../../messages.ts'
import { age, count } from '../../table.ts'
import type { Settled } from './settle.ts'

/** A run that has ended. */
export interface EndedRun extends Settled {
  id: number
  attempt: number
  ms: number
}

export interface Counts {
  fulfilled: number
  failed: number
  cancelled: number
}

const REDRAW_MS = 100
const CLEAR_LINE = '\r\x1b[K'
/** Failed jobs that a summary names. */
const MOST_NAMED = 10

/** Tells people, and programs, how work goes on. */
export class Reports {
  readonly #verbose: boolean
  readonly #json: boolean
  readonly #terminal: NodeJS.WriteStream | null
  readonly #began = performance.now()
  readonly #counts: Counts = { fulfilled: 0, failed: 0, cancelled: 0 }
  /** Jobs that failed here, and are to be tried again. */
  readonly #undecided = new Set<number>()
  readonly #failed: number[] = []
  #now = { running: 0, waiting: 0 }
  #timer: NodeJS.Timeout | undefined
  #isOver = false

  constructor({ verbose, json }: { verbose: boolean; json: boolean }) {
    this.#verbose = verbose
    this.#json = json
    // Who does not read to the end wants no more of it; the jobs go on.
    process.stdout.on('error', () => {})
    this.#terminal = process.stderr.isTTY && process.env.TERM !== 'dumb' ? process.stderr : null
  }

  /** What goes on now. */
  show(now: { running: number; waiting: number }): void {
    this.#now = now
    if (!this.#terminal || this.#isOver) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#draw()
    }, REDRAW_MS).unref()
  }

  ended(run: EndedRun): void {
    const { id, state, attempt, ms, error } = run
    this.#undecided.delete(id)
    const isFinal = state === 'fulfilled' || state === 'failed' || state === 'cancelled'
    if (isFinal) this.#counts[state]++
    else if (state !== null) this.#undecided.add(id)
    if (state === 'failed') this.#failed.push(id)
    if (this.#failed.length > MOST_NAMED) this.#failed.shift()
    if (this.#json && isFinal) tellLine({ id, state, attempt, ms: Math.round(ms), error })
    if (this.#verbose) {
      this.#clear()
      tell(inWords(run))
    }
  }

  /**
   * Tells what has come of all; of failures also who did not ask for it, where the exit status tells of them (`drain`).
   *
   * @returns whether all jobs that were run here have been fulfilled, here or elsewhere
   */
  async end(store: JobStore, drain: boolean): Promise<boolean> {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#clear()
    let isGood = this.#counts.failed + this.#counts.cancelled === 0
    for (const id of this.#undecided) if ((await store.get(id))?.state !== 'fulfilled') isGood = false
    if (this.#terminal || this.#verbose || (drain && !isGood))
      tell(summary(this.#counts, this.#failed, performance.now() - this.#began))
    return isGood
  }

  #draw(): void {
    const { running, waiting } = this.#now
    const { fulfilled, failed, cancelled } = this.#counts
    const ended = [`${fulfilled} done`, `${failed} failed`, ...(cancelled > 0 ? [`${cancelled} cancelled`] : [])]
    const text = [...ended, `${running} running`, `${waiting} waiting`].join(', ')
    // The cursor goes back: what others write stands in its place.
    this.#write(`${CLEAR_LINE}${text.slice(0, (this.#terminal?.columns || 80) - 1)}\r`)
  }

  #clear(): void {
    if (this.#terminal) this.#write(CLEAR_LINE)
  }

  #write(text: string): void {
    try {
      writeSync(2, text)
    } catch {
      // Nobody looks.
    }
  }
}

/** Of one run. Pure. */
export function inWords({ id, state, attempt, ms, error }: EndedRun): string {
  const name = attempt > 1 ? `job ${id}, attempt ${attempt},` : `job ${id}`
  const [first = ''] = (error ?? '').split('\n', 1)
  const why = first === '' ? '' : `: ${visible(first)}`
  return `${name} ${END_WORDS[state ?? 'removed']} after ${ms < 1000 ? `${Math.round(ms)} ms` : age(ms)}${state === 'fulfilled' ? '' : why}`
}

const END_WORDS: Record<JobState | 'removed', string> = {
  fulfilled: 'was fulfilled',
  failed: 'failed',
  cancelled: 'was cancelled',
  pending: 'ended, to be run again,',
  delayed: 'ended, to be run again,',
  // By now it may be running.
  active: 'ended, to be run again,',
  removed: 'was removed',
}

/** Of all. Pure. */
export function summary({ fulfilled, failed, cancelled }: Counts, failures: readonly number[], ms: number): string {
  const parts = [`${fulfilled} fulfilled`]
  if (failed > 0) {
    const more = failed > failures.length ? ['…'] : []
    parts.push(`${failed} failed (${[...more, ...failures].join(', ')}: see jobslot job log)`)
  }
  if (cancelled > 0) parts.push(`${cancelled} cancelled`)
  return `${count(fulfilled + failed + cancelled, 'job')} in ${age(ms)}: ${parts.join(', ')}`
}

/** On stdout, whole, however slowly it is read. */
function tellLine(run: object): void {
  process.stdout.write(`${JSON.stringify(run)}\n`)
}
