import { type Extra, freshExtra } from './extra.ts'
import { PairHeap } from './pair-heap.ts'
import { isFinished, PENDING, Table } from './table.ts'

/** What a fold tells of while it goes on. */
export interface Watcher {
  /** A job has come to an end, or is gone. */
  ended(id: number): void
  /** A claim, on a job or on its notification, is over, whoever ended it. */
  claimOver(claim: number): void
}

export type Frozen = Pick<State, 'table' | 'extras' | 'pids' | 'paused'>

/**
 * The fold over the journal: what is so after its lines. It decides nothing and knows no clock; a line that cannot have
 * happened, as one before it was lost, is passed over and counted.
 */
export class State {
  readonly table = new Table()
  readonly extras = new Map<number, Extra>()
  /** Unfinished jobs by key. */
  readonly keys = new Map<string, number>()
  /** Pending jobs that may run, by priority, then id. Some entries are out of date: `nextReady` drops them. */
  readonly ready = new PairHeap()
  /** When something about a job falls due. Some entries are out of date. */
  readonly timers = new PairHeap()
  /** Which jobs wait for this one. */
  readonly dependents = new Map<number, number[]>()
  /** What each worker has claimed. */
  readonly holders = new Map<number, Set<number>>()
  /** The processes that these workers are. */
  readonly pids = new Map<number, number>()
  /** Finished jobs whose targets may be told now. */
  readonly ringing = new Set<number>()
  /** Pending jobs whose time to be started is over, or that wait for one that will not be fulfilled. */
  readonly expired = new Set<number>()
  readonly doomed = new Set<number>()
  readonly counts = [0, 0, 0, 0, 0]
  paused = false
  /** The last snapshot that a line told of. */
  snapshot = 0
  /** Bytes of values in files of their own, since then. */
  filed = 0
  impossible = 0
  watcher: Watcher | undefined

  /** What a snapshot tells of, as it is now. What lines change is never changed in place but in the fold. */
  freeze(): Frozen {
    const extras = new Map<number, Extra>()
    for (const [id, extra] of this.extras) extras.set(id, { ...extra })
    return { table: this.table.copy(), extras, pids: new Map(this.pids), paused: this.paused }
  }

  extra(id: number): Extra {
    let extra = this.extras.get(id)
    if (!extra) {
      extra = freshExtra()
      this.extras.set(id, extra)
    }
    return extra
  }

  /** The next job to run, without taking it; undefined where there is none. */
  nextReady(): number | undefined {
    while (this.ready.size > 0) {
      const id = this.ready.first
      if (this.isReady(id)) return id
      this.ready.pop()
    }
    return undefined
  }

  isReady(id: number): boolean {
    const row = this.table.find(id)
    return row >= 0 && this.table.phase[row] === PENDING && !this.expired.has(id) && !this.isBlocked(id)
  }

  isBlocked(id: number): boolean {
    const after = this.extras.size > 0 ? this.extras.get(id)?.after : undefined
    return after !== undefined && after.size > 0
  }

  /** Whether it has finished, and has targets that nobody is telling. */
  mayRing(id: number): boolean {
    const row = this.table.find(id)
    const extra = this.extras.get(id)
    return row >= 0 && extra !== undefined && this.hasToTell(row, extra)
  }

  hasToTell(row: number, extra: Extra): boolean {
    return extra.targets !== undefined && extra.notify === undefined && isFinished(this.table.phase[row]!)
  }

  /** A pending job stands in line, or waits for its time. */
  offer(row: number, now: number): void {
    const { table } = this
    const id = table.id[row]!
    if (this.isBlocked(id)) return
    if (table.at[row]! > now) this.timers.push(table.at[row]!, id)
    else this.ready.push(-table.priority[row]!, id)
  }

  /** Moves what has fallen due to where it is looked for. */
  due(now: number): void {
    const { timers, table } = this
    while (timers.firstKey <= now) {
      const id = timers.pop()
      const row = table.find(id)
      if (row < 0) continue
      const extra = this.extras.get(id)
      if (table.phase[row] === PENDING) {
        if (extra?.deadline && extra.deadline <= now) this.expired.add(id)
        else if (table.at[row]! <= now && !this.isBlocked(id)) this.ready.push(-table.priority[row]!, id)
      } else if (extra && this.hasToTell(row, extra) && extra.notifyAt <= now) this.ringing.add(id)
    }
  }

  /** Between two lines: room that is no longer needed. */
  tidy(): void {
    this.table.tidy()
    if (this.ready.size > 1024 && this.ready.size > 2 * this.counts[PENDING]!)
      this.ready.filter((_, id) => this.isReady(id))
  }
}
