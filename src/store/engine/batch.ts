import { noNumbers } from '../errors.ts'
import type { LineBuffer } from '../format/format.ts'
import type { Fact, Line } from '../format/line.ts'
import type { State } from '../state/state.ts'

/**
 * What operations that wait at the same time have decided, to be appended with one call. They were decided on one state,
 * so no two of them are about the same job.
 */
export class Batch {
  readonly state: State
  readonly now: number
  readonly buffer: LineBuffer
  readonly lines: Line[] = []
  readonly lengths: number[] = []
  readonly jsons: string[] = []
  /** Jobs taken out of the line; they go back into it where the batch comes to nothing. */
  readonly taken: number[] = []
  /** Nothing may be decided behind what is in it. */
  isFull = false
  readonly #touched = new Set<number | string>()
  #n: number
  #mark: number

  /**
   * @param n the number of the journal's last line
   * @param mark how much of the segment is on disk, where that is news; else 0
   */
  constructor(state: State, now: number, buffer: LineBuffer, n: number, mark: number) {
    buffer.clear()
    this.state = state
    this.now = now
    this.buffer = buffer
    this.#n = n
    this.#mark = mark
  }

  /** False where another operation of the batch is about the same: then this one has to wait for the next. */
  touch(what: number | string): boolean {
    if (this.#touched.has(what)) return false
    this.#touched.add(what)
    return true
  }

  isTouched(what: number | string): boolean {
    return this.#touched.has(what)
  }

  /** The next line's number. */
  get next(): number {
    return this.#n + 1
  }

  /** @param rest the fact as JSON, without the bracket that opens it */
  add(fact: Fact, rest = JSON.stringify(fact).slice(1)): number {
    if (this.#n >= Number.MAX_SAFE_INTEGER) throw noNumbers()
    const n = ++this.#n
    const mark = this.#mark > 0 ? `"d":${this.#mark},` : ''
    this.#mark = 0
    const json = `{"n":${n},${mark}"t":${this.now},${rest}`
    this.lengths.push(this.buffer.add(json))
    const line = fact as Line
    line.n = n
    line.t = this.now
    this.lines.push(line)
    this.jsons.push(json)
    return n
  }
}
