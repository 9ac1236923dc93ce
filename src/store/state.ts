import type { Line } from './line.ts'
import { PairHeap } from './pair-heap.ts'
import { type Extra, freshExtra, isIdle, type JobLine, type Place, unfinishedOf } from './state-parts.ts'
import { ACTIVE, CANCELLED, FAILED, FULFILLED, isFinished, isThere, PENDING, Table } from './table.ts'
import { withoutTargets } from './targets.ts'

/** What a fold tells of while it goes on. */
export interface Watcher {
  /** A job has come to an end, or is gone. */
  ended(id: number): void
  /** A claim, on a job or on its notification, is over, whoever ended it. */
  claimOver(claim: number): void
}

export type Frozen = Pick<State, 'table' | 'extras' | 'pids' | 'paused'>

type CreateLine = Omit<JobLine, 'id' | 'state'> & { state?: string }
type TargetLine = Extract<Line, { op: 'queue' } | { op: 'unqueue' } | { op: 'notify' } | { op: 'notified' }>

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
  impossible = 0
  watcher: Watcher | undefined

  apply(line: Line, place: Place, changed: number): void {
    if (line.op === 'create') {
      this.#create(line.n, line, place, changed)
      return
    }
    if ('id' in line) {
      const row = this.table.find(line.id)
      if (row < 0) {
        this.impossible++
        return
      }
      this.table.changed[row] = changed
      if (!this.#change(row, line, place)) this.impossible++
      return
    }
    if (line.op === 'pause') this.paused = true
    else if (line.op === 'resume') this.paused = false
    else if (line.op === 'snapshot') this.snapshot = line.segment
    else if (line.op === 'forget') this.#forget(line.ids)
  }

  /** A line of a snapshot. */
  restore(job: JobLine, place: Place): void {
    const row = this.#create(job.id, job, place, 0)
    if (row < 0) return
    const { table } = this
    table.version[row] = job.version ?? 1
    table.attempt[row] = job.attempt ?? 0
    if (job.failures || job.lost || job.progress !== undefined || job.targets || job.tries || job.notifyAt) {
      const extra = this.extra(job.id)
      extra.failures = job.failures ?? 0
      extra.lost = job.lost ?? 0
      extra.error = job.error
      if (job.progress !== undefined) extra.progress = job.progress
      extra.targets = job.targets
      extra.tries = job.tries ?? 0
      extra.notifyAt = job.notifyAt ?? 0
    }
    if (job.state === 'active') this.#claim(row, job.claim ?? 0, job.w ?? 0, job.pid ?? 0, job.claimed ?? 0)
    else if (job.state !== 'pending') {
      const phase = job.state === 'fulfilled' ? FULFILLED : job.state === 'failed' ? FAILED : CANCELLED
      this.#finish(row, phase, job.finished ?? 0, place)
      if (job.notify) this.#hold(this.extra(job.id), job.id, job.notify.c, job.notify.w, job.notify.pid)
    }
  }

  /** What a snapshot tells of, as it is now. What lines change is never changed in place but here. */
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
      } else if (extra && this.#mayRing(row, extra) && extra.notifyAt <= now) this.ringing.add(id)
    }
  }

  /** Between two lines: room that is no longer needed. */
  tidy(): void {
    this.table.tidy()
    if (this.ready.size > 1024 && this.ready.size > 2 * this.counts[PENDING]!)
      this.ready.filter((_, id) => this.isReady(id))
  }

  #create(id: number, line: CreateLine, place: Place, changed: number): number {
    const { table } = this
    const row = table.add(id)
    if (row < 0) {
      this.impossible++
      return -1
    }
    this.counts[PENDING]!++
    if (line.priority) table.priority[row] = line.priority
    table.at[row] = line.at ?? line.runAt ?? 0
    table.version[row] = 1
    this.#place(row, place)
    table.changed[row] = changed
    if (line.key !== undefined) {
      this.extra(id).key = line.key
      if (!this.keys.has(line.key)) this.keys.set(line.key, id)
    }
    if (line.retention !== undefined) this.extra(id).retention = line.retention
    if (line.ttl !== undefined) {
      const deadline = line.t + line.ttl
      this.extra(id).deadline = deadline
      this.timers.push(deadline, id)
    }
    if (line.after) this.#waitFor(id, line.after)
    if (line.state === undefined || line.state === 'pending') this.#offer(row, line.t)
    return row
  }

  #waitFor(id: number, after: readonly number[]): void {
    const { table } = this
    const left = unfinishedOf(table, after)
    if (left.length === 0) return
    this.extra(id).after = new Set(left)
    for (const dependency of left) {
      const list = this.dependents.get(dependency)
      if (list) list.push(id)
      else this.dependents.set(dependency, [id])
      if (isFinished(table.phase[table.find(dependency)]!)) this.doomed.add(id)
    }
  }

  /** A pending job stands in line, or waits for its time. */
  #offer(row: number, now: number): void {
    const { table } = this
    const id = table.id[row]!
    if (this.isBlocked(id)) return
    if (table.at[row]! > now) this.timers.push(table.at[row]!, id)
    else this.ready.push(-table.priority[row]!, id)
  }

  #place(row: number, { file, offset, length }: Place): void {
    const { table } = this
    table.file[row] = file
    table.offset[row] = offset
    table.length[row] = length
  }

  /** False where it cannot have happened. */
  #change(row: number, line: Extract<Line, { id: number }>, place: Place): boolean {
    const { table } = this
    const phase = table.phase[row]!
    switch (line.op) {
      case 'queue':
      case 'unqueue':
      case 'notify':
      case 'notified':
        return this.#changeTargets(row, line)
      case 'update':
        table.version[row] = line.version
        this.#place(row, place)
        return true
      case 'claim':
        if (isFinished(phase)) return false
        this.#claim(row, line.n, line.w, line.pid, line.t)
        table.attempt[row] = table.attempt[row]! + 1
        return true
      case 'progress':
        if (phase !== ACTIVE || table.claim[row] !== line.c) return false
        this.extra(line.id).progress = line.value
        return true
      case 'fulfill':
      case 'cancel':
        if (isFinished(phase)) return false
        this.#finish(row, line.op === 'fulfill' ? FULFILLED : CANCELLED, line.t, place)
        return true
      case 'fail':
        if (isFinished(phase)) return false
        if (line.at === undefined) this.#finish(row, FAILED, line.t, place)
        else {
          const extra = this.extra(line.id)
          extra.failures++
          extra.error = line.error
          this.#pend(row, line.at, line.t)
        }
        return true
      case 'release':
        if (phase !== ACTIVE || table.claim[row] !== line.c) return false
        if (line.why !== 'released') this.extra(line.id).lost++
        this.#pend(row, line.at ?? 0, line.t)
        return true
      case 'retry':
        if (phase !== FAILED && phase !== CANCELLED) return false
        this.#again(row, line.id, line.t)
        return true
      case 'remove':
        this.#remove(row, line.id)
        return true
    }
  }

  #changeTargets(row: number, line: TargetLine): boolean {
    const extra = this.extra(line.id)
    if (line.op === 'queue') {
      extra.targets = [...(extra.targets ?? []), line.target]
    } else if (line.op === 'unqueue') {
      this.#takeOff(extra, line.targets)
    } else if (line.op === 'notify') {
      if (!isFinished(this.table.phase[row]!)) return false
      this.#hold(extra, line.id, line.n, line.w, line.pid)
    } else {
      if (extra.notify?.c !== line.c) return false
      this.#letGo(extra, line.id)
      this.#takeOff(extra, line.served)
      extra.tries = extra.targets ? extra.tries + 1 : 0
      extra.notifyAt = extra.targets ? (line.at ?? 0) : 0
    }
    this.#ring(row, line.id, extra, line.t)
    return true
  }

  #takeOff(extra: Extra, targets: readonly unknown[]): void {
    const left = withoutTargets(extra.targets ?? [], targets)
    extra.targets = left.length > 0 ? left : undefined
  }

  #mayRing(row: number, extra: Extra): boolean {
    return extra.targets !== undefined && extra.notify === undefined && isFinished(this.table.phase[row]!)
  }

  #ring(row: number, id: number, extra: Extra, now: number): void {
    if (!this.#mayRing(row, extra)) this.ringing.delete(id)
    else if (extra.notifyAt > now) this.timers.push(extra.notifyAt, id)
    else this.ringing.add(id)
  }

  #hold(extra: Extra, id: number, claim: number, worker: number, pid: number): void {
    this.#letGo(extra, id)
    extra.notify = { c: claim, w: worker }
    this.ringing.delete(id)
    this.#holdersOf(worker).add(id)
    this.pids.set(worker, pid)
  }

  #letGo(extra: Extra, id: number): void {
    if (!extra.notify) return
    const { c, w } = extra.notify
    extra.notify = undefined
    this.#forgetHolder(w, id)
    this.watcher?.claimOver(c)
  }

  #holdersOf(worker: number): Set<number> {
    let held = this.holders.get(worker)
    if (!held) {
      held = new Set()
      this.holders.set(worker, held)
    }
    return held
  }

  #forgetHolder(worker: number, id: number): void {
    const held = this.holders.get(worker)
    held?.delete(id)
    if (held?.size !== 0) return
    this.holders.delete(worker)
    this.pids.delete(worker)
  }

  #claim(row: number, claim: number, worker: number, pid: number, now: number): void {
    const { table } = this
    this.#unclaim(row)
    this.#count(row, ACTIVE)
    table.claim[row] = claim
    table.worker[row] = worker
    table.at[row] = now
    this.#holdersOf(worker).add(table.id[row]!)
    this.pids.set(worker, pid)
  }

  #unclaim(row: number): void {
    const { table } = this
    if (table.phase[row] !== ACTIVE) return
    const claim = table.claim[row]!
    this.#forgetHolder(table.worker[row]!, table.id[row]!)
    this.watcher?.claimOver(claim)
  }

  #count(row: number, phase: number): void {
    this.counts[this.table.phase[row]!]!--
    this.counts[phase]!++
    this.table.phase[row] = phase
  }

  #pend(row: number, at: number, now: number): void {
    this.#unclaim(row)
    this.#count(row, PENDING)
    this.table.at[row] = at
    this.#offer(row, now)
  }

  #finish(row: number, phase: number, now: number, place: Place): void {
    const { table } = this
    const id = table.id[row]!
    this.#unclaim(row)
    this.#count(row, phase)
    table.at[row] = now
    table.endFile[row] = place.file
    table.endOffset[row] = place.offset
    table.endLength[row] = place.length
    const extra = this.extras.size > 0 ? this.extras.get(id) : undefined
    if (extra) this.#finishExtra(row, id, extra, now)
    if (this.dependents.size > 0) this.#tellDependents(id, phase === FULFILLED)
    this.watcher?.ended(id)
  }

  #finishExtra(row: number, id: number, extra: Extra, now: number): void {
    if (extra.key !== undefined && this.keys.get(extra.key) === id) this.keys.delete(extra.key)
    this.expired.delete(id)
    this.doomed.delete(id)
    extra.progress = undefined
    extra.error = undefined
    extra.deadline = 0
    this.#ring(row, id, extra, now)
    if (isIdle(extra)) this.extras.delete(id)
  }

  #tellDependents(id: number, fulfilled: boolean): void {
    for (const dependent of this.dependents.get(id) ?? []) {
      const row = this.table.find(dependent)
      if (row < 0 || this.table.phase[row] !== PENDING) continue
      if (!fulfilled) {
        this.doomed.add(dependent)
        continue
      }
      const after = this.extras.get(dependent)?.after
      if (after?.delete(id) && after.size === 0) this.#offer(row, 0)
    }
    if (fulfilled) this.dependents.delete(id)
  }

  #again(row: number, id: number, now: number): void {
    const extra = this.extras.get(id)
    this.#count(row, PENDING)
    this.table.at[row] = 0
    if (extra) {
      extra.failures = 0
      extra.error = undefined
      if (extra.key !== undefined && !this.keys.has(extra.key)) this.keys.set(extra.key, id)
      this.ringing.delete(id)
      for (const dependency of extra.after ?? []) this.#await(extra, dependency)
    }
    for (const dependent of this.dependents.get(id) ?? []) this.#spare(dependent)
    this.#offer(row, now)
  }

  /** Of a job that runs again: what it waits for may have come to an end meanwhile. */
  #await(extra: Extra, dependency: number): void {
    if (unfinishedOf(this.table, [dependency]).length === 0) extra.after?.delete(dependency)
  }

  /** A job that it waits for runs again. */
  #spare(id: number): void {
    const { table } = this
    const failed = [...(this.extras.get(id)?.after ?? [])].some((other) => {
      const row = table.find(other)
      return row < 0 || isFinished(table.phase[row]!)
    })
    if (!failed) this.doomed.delete(id)
  }

  #remove(row: number, id: number): void {
    this.#unclaim(row)
    this.counts[this.table.phase[row]!]!--
    const extra = this.extras.get(id)
    if (extra) {
      this.#letGo(extra, id)
      if (extra.key !== undefined && this.keys.get(extra.key) === id) this.keys.delete(extra.key)
      this.extras.delete(id)
    }
    this.ringing.delete(id)
    this.expired.delete(id)
    this.doomed.delete(id)
    this.#tellDependents(id, false)
    this.dependents.delete(id)
    this.table.remove(row)
    this.watcher?.ended(id)
  }

  #forget(ranges: readonly (readonly [number, number])[]): void {
    const { table } = this
    for (const [first, last] of ranges) {
      for (let row = table.after(first - 1); row < table.count && table.id[row]! <= last; row++) {
        const id = table.id[row]!
        if (isThere(table.phase[row]!) && isFinished(table.phase[row]!)) this.#remove(row, id)
      }
    }
    table.tidy()
  }
}
