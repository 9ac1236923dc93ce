/**
 * What is known of each job, in columns: a million pending jobs are to fit into memory, so there is no object for each.
 * Rows are in the order of ids, which only grow; a job's text stays on disk.
 */
export class Table {
  /** Rows in use, those of jobs that are gone included. */
  count = 0
  id = new Float64Array(FEWEST)
  phase = new Uint8Array(FEWEST)
  priority = new Int32Array(FEWEST)
  version = new Uint32Array(FEWEST)
  attempt = new Uint32Array(FEWEST)
  /** PENDING: not before. ACTIVE: since. Finished: when. */
  at = new Float64Array(FEWEST)
  claim = new Float64Array(FEWEST)
  worker = new Float64Array(FEWEST)
  /** Behind the last line about it: an answer that rests on it waits until that is on disk. */
  changed = new Float64Array(FEWEST)
  /** Where its request is: a number of `Files`, and the line's place. */
  file = new Uint32Array(FEWEST)
  offset = new Uint32Array(FEWEST)
  length = new Uint32Array(FEWEST)
  /** Where its end is told: value or error. */
  endFile = new Uint32Array(FEWEST)
  endOffset = new Uint32Array(FEWEST)
  endLength = new Uint32Array(FEWEST)
  #gone = 0

  /** The row of a job; -1 where there is none. */
  find(id: number): number {
    const ids = this.id
    let low = 0
    let high = this.count - 1
    // Mostly it is about one of the last.
    while (low <= high) {
      const middle = (low + high) >>> 1
      const found = ids[middle]!
      if (found < id) low = middle + 1
      else if (found > id) high = middle - 1
      else return this.phase[middle] === GONE ? -1 : middle
    }
    return -1
  }

  /** The first row whose id is above that. */
  after(id: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.id[middle]! <= id) low = middle + 1
      else high = middle
    }
    return low
  }

  /** A row for a new job, all 0; -1 where its id is not above all others. */
  add(id: number): number {
    if (this.count > 0 && this.id[this.count - 1]! >= id) return -1
    if (this.count === this.id.length) this.#resize(Math.max(FEWEST, Math.ceil(this.count * 1.5)))
    // All behind `count` is 0.
    const row = this.count++
    this.id[row] = id
    return row
  }

  /** As it is now. */
  copy(): Table {
    const copy = new Table()
    copy.count = this.count
    copy.#gone = this.#gone
    for (const name of COLUMNS) (copy as unknown as Record<string, unknown>)[name] = this[name].slice(0, this.count)
    return copy
  }

  remove(row: number): void {
    this.phase[row] = GONE
    this.#gone++
  }

  get live(): number {
    return this.count - this.#gone
  }

  /** Rows move, so this is not for the midst of anything. */
  tidy(): void {
    if (this.#gone < FEWEST || this.#gone * 2 < this.count) return
    let to = 0
    for (let from = 0; from < this.count; from++) {
      if (this.phase[from] === GONE) continue
      if (to !== from) for (const name of COLUMNS) this[name][to] = this[name][from]!
      to++
    }
    this.count = to
    this.#gone = 0
    this.#resize(Math.max(FEWEST, Math.ceil(to * 1.5)))
  }

  #resize(rows: number): void {
    for (const name of COLUMNS) {
      const old = this[name]
      const Column = old.constructor as new (length: number) => typeof old
      const column = new Column(rows)
      column.set(old.subarray(0, this.count) as never)
      ;(this as Record<string, unknown>)[name] = column
    }
  }
}

const FEWEST = 1024

const COLUMNS = [
  'id',
  'phase',
  'priority',
  'version',
  'attempt',
  'at',
  'claim',
  'worker',
  'changed',
  'file',
  'offset',
  'length',
  'endFile',
  'endOffset',
  'endLength',
] as const

export const PENDING = 0
export const ACTIVE = 1
export const FULFILLED = 2
export const FAILED = 3
export const CANCELLED = 4
const GONE = 5

export const isFinished = (phase: number): boolean => phase >= FULFILLED
export const isThere = (phase: number): boolean => phase < GONE
