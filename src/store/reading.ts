import { countOf, positionOf, statesOf } from './calls/arguments.ts'
import type { ListOptions, Outlook, Stats } from './calls/calls.ts'
import { type Job, viewOf } from './calls/view.ts'
import type { Engine } from './engine/engine.ts'
import { endLineOf } from './journal/stored-lines.ts'
import { readValue } from './journal/value.ts'
import { stateOf } from './state/job-state.ts'
import { ACTIVE, FULFILLED, isFinished, isThere, PENDING } from './state/table.ts'

/** Answers from what this process has read of the journal, when what they rest on is on disk. */
export class Reading {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  get(id: number): Promise<(Job & { value: Buffer | null }) | undefined> {
    const { state, loaded, disk } = this.#engine
    const row = state.table.find(id)
    if (row < 0) return this.#rest(this.#engine.position, undefined)
    const view = viewOf(state, loaded.files, this.#engine, row, this.#engine.now())
    const isFulfilled = state.table.phase[row] === FULFILLED
    const value = isFulfilled ? readValue(disk, endLineOf(state, loaded.files, row)) : null
    return this.#rest(state.table.changed[row]!, { ...view, value })
  }

  list({ state: wanted, after, limit = 100 }: ListOptions): Promise<{ jobs: Job[]; cursor: number | null }> {
    const { state, loaded, position } = this.#engine
    const states = wanted === undefined ? undefined : statesOf(wanted)
    const most = countOf('limit', limit)
    const now = this.#engine.now()
    const jobs: Job[] = []
    const { table } = state
    let row = table.after(positionOf(after ?? 0))
    for (; row < table.count && jobs.length < most; row++) {
      if (!isThere(table.phase[row]!) || (states && !states.includes(stateOf(state, row, now)))) continue
      jobs.push(viewOf(state, loaded.files, this.#engine, row, now))
    }
    return this.#rest(position, { jobs, cursor: row < table.count ? (jobs.at(-1)?.id ?? null) : null })
  }

  /** Whether the job has come to its end; undefined where there is none. At once: what comes later is told to who waits. */
  isFinal(id: number): boolean | undefined {
    const { table } = this.#engine.state
    const row = table.find(id)
    return row < 0 ? undefined : isFinished(table.phase[row]!)
  }

  stats(): Promise<Stats> {
    const { state, loaded, position } = this.#engine
    const counts = { delayed: 0, pending: 0, active: 0, fulfilled: 0, failed: 0, cancelled: 0 }
    const now = this.#engine.now()
    for (let row = 0; row < state.table.count; row++) {
      if (isThere(state.table.phase[row]!)) counts[stateOf(state, row, now)]++
    }
    const { damage, missing, segment, end } = loaded.journal
    const found = { damage: [...damage], missing, impossible: state.impossible }
    const stats = { ...counts, paused: state.paused, workers: state.holders.size, segment, bytes: end, ...found }
    return this.#rest(position, stats)
  }

  /** What there is to do, as far as it was read. */
  outlook(): Outlook {
    const { state } = this.#engine
    const { counts, paused } = state
    const unfinished = counts[PENDING]! + counts[ACTIVE]!
    state.due(this.#engine.now())
    return { ready: !paused && state.nextReady() !== undefined, unfinished, active: counts[ACTIVE]!, paused }
  }

  async #rest<T>(position: number, answer: T): Promise<T> {
    await this.#engine.durability.reached(position)
    return answer
  }
}
