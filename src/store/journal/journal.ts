import { APPEND_BUSY, APPEND_CONFLICT, APPEND_DONE } from '../../native/binding.ts'
import type { Disk, Lines } from '../disk/disk.ts'
import { noNumbers } from '../errors.ts'
import { contentsOf, FORMAT, FRAME, LineBuffer, positionOf, SEGMENT_SPAN, segmentName } from '../format/format.ts'
import type { Place } from '../format/line.ts'
import { headerOf, type Line, lineOf } from '../format/line.ts'
import { QuickLines } from '../format/quick-line.ts'
import { applyLine } from '../state/fold.ts'
import type { State } from '../state/state.ts'
import type { Files } from './files.ts'
import { LineReader } from './line-reader.ts'
import { makeSegment, provenEnd } from './segment.ts'

/** A place where something could not be read, or not understood. */
export interface Damage {
  /** The name of the file, in the store's folder. */
  file: string
  /** The byte at which it begins. */
  offset: number
  /** How long it is. */
  bytes: number
}

/** What a look at the journal's end came to. */
export type Found =
  | 'ready' // all was read, and an append may follow
  | 'torn' // all but a torn tail
  | 'busy' // a torn tail is to be cut off, but another process does not let go of the lock
  | 'sealed' // the segment is over: `next()`
  | 'gone' // compaction went past: all is to be loaded anew

/** The journal from some segment on, as one process follows it into its state, and writes to it. */
export class Journal {
  segment = 0
  /** What was read of the segment, and the number of the last line. */
  end = 0
  n = 0
  readonly damage: Damage[] = []
  /** Lines whose numbers are missing. */
  missing = 0
  readonly disk: Disk
  readonly #lines: Lines
  readonly #files: Files
  readonly #state: State
  #file = 0
  #reader: LineReader | undefined
  #sealed: { from?: number } | undefined
  #proven = 0
  readonly #quick = new QuickLines()

  constructor(disk: Disk, lines: Lines, files: Files, state: State) {
    this.disk = disk
    this.#lines = lines
    this.#files = files
    this.#state = state
  }

  /** Begins with a segment, behind line `n`, which ends `at` there. False where there is no such segment. */
  start(segment: number, n: number, at = 0): boolean {
    const name = segmentName(segment)
    const file = this.#files.numberOf(name)
    if (file === 0) return false
    this.segment = segment
    this.n = n
    this.#file = file
    this.#reader = new LineReader(this.#files.file(file), this.#lines, at)
    this.end = at
    this.#sealed = undefined
    this.#proven = 0
    return true
  }

  /** From now on appends go to the segment that was started. */
  write(): void {
    this.disk.appender.use(segmentName(this.segment), this.segment)
  }

  get position(): number {
    return positionOf(this.segment, this.end)
  }

  /** Reads what is there below `end`, a part at a time: false when that is all. `isOver`: another segment follows. */
  readPart(end: number, isOver: boolean): boolean {
    const reader = this.#reader!
    const stop = reader.read(end, this.#onLine, this.#onBytes)
    this.end = reader.at
    if (stop !== 'broken') return stop === 'more'
    if (isOver) this.#pass(end)
    return isOver && this.end < end
  }

  get size(): number {
    return this.#files.file(this.#file).size()
  }

  /** Reads what others have appended. With `cut`, what they have left of a torn line is cut off. */
  catchUp(cut: boolean): Found {
    const { appender } = this.disk
    for (;;) {
      if (this.#sealed) return 'sealed'
      const size = appender.size()
      if (size === this.end) return 'ready'
      // Lines that we have read are no more: somebody has put back an old copy.
      if (size < this.end) return 'gone'
      const stop = this.#reader!.read(size, this.#onLine, this.#onBytes)
      this.end = this.#reader!.at
      if (stop !== 'broken') continue
      const proven = this.#provenEnd(size)
      if (proven > this.end) this.#passBelow(proven)
      else if (!cut) return 'torn'
      else if (appender.cut(this.end) === APPEND_BUSY) return 'busy'
    }
  }

  /** For who only reads the last segment: passes over damage, if what stops here is some, and not a torn tail. */
  passProven(): boolean {
    const { size } = this
    if (this.end >= size) return false
    const proven = this.#provenEnd(size)
    if (proven <= this.end) return false
    this.#passBelow(proven)
    return true
  }

  /** Appends the lines if all was read. Their places are counted from the `end` before. */
  append(lines: LineBuffer, count: number): 'done' | 'conflict' | 'busy' {
    if (this.#sealed) return 'conflict'
    const outcome = this.disk.appender.append(lines.bytes, lines.length, this.end)
    if (outcome === APPEND_CONFLICT) return 'conflict'
    if (outcome !== APPEND_DONE) return 'busy'
    this.end += lines.length
    this.#reader!.at = this.end
    this.n += count
    return 'done'
  }

  /** Ends the segment. With `from`: no more of it than that counts, and the next one repeats the rest. */
  appendSeal(now: number, from?: number): 'done' | 'conflict' | 'busy' {
    if (this.n >= Number.MAX_SAFE_INTEGER) throw noNumbers()
    const lines = new LineBuffer()
    const seal = from === undefined ? {} : { from }
    lines.add(JSON.stringify({ n: this.n + 1, t: now, op: 'seal', ...seal }))
    const outcome = this.append(lines, 0)
    if (outcome === 'done') this.#sealed = seal
    return outcome
  }

  place(offset: number, length: number): Place {
    return { file: this.#file, offset, length }
  }

  /** How much of this segment is known to be on disk. */
  get durableBytes(): number {
    const durable = this.disk.appender.durable() - positionOf(this.segment, 0)
    return Math.max(this.#proven, Math.min(Math.max(0, durable), SEGMENT_SPAN - 1))
  }

  get seal(): { from?: number } | undefined {
    return this.#sealed
  }

  /** Behind a sealed segment: makes the next one, if nobody has, and goes on with it. */
  async next(): Promise<'ready' | 'gone'> {
    const next = this.segment + 1
    let from = this.#sealed?.from
    if (!this.disk.names().includes(segmentName(next))) {
      if (this.#isPassed(next)) return 'gone'
      if (from === undefined) from = await this.#syncSealed()
      const source = { file: this.#files.file(this.#file), end: this.end, from }
      await makeSegment(this.disk, this.#lines, { segment: next, n: this.n }, source)
      // Made by us after all others were done with it, it would be a segment of nobody's.
      if (this.#isPassed(next)) return 'gone'
    } else {
      // Who has made it may not have come so far.
      await this.disk.syncFolder()
    }
    if (!this.start(next, this.n)) return 'gone'
    this.write()
    // It was made of what is on disk, and is itself.
    this.disk.appender.vouch(positionOf(next, 0))
    return 'ready'
  }

  /** How much of the segment counts where it cannot be synced. */
  async #syncSealed(): Promise<number | undefined> {
    try {
      await this.disk.appender.sync(this.position)
      return undefined
    } catch {
      return this.durableBytes
    }
  }

  /** What was damaged before this snapshot is no longer there. */
  heal(snapshot: number): void {
    const kept = this.damage.filter(({ file }) => file >= segmentName(snapshot) && file.startsWith('journal'))
    this.damage.splice(0, this.damage.length, ...kept)
    this.missing = 0
  }

  #isPassed(segment: number): boolean {
    const { segments, snapshots } = contentsOf(this.disk.names())
    return Math.max(0, ...segments, ...snapshots) > segment
  }

  readonly #onLine = (json: string, offset: number, length: number): void => {
    // What lies behind a seal was put there by nobody.
    if (this.#sealed) return
    if (offset === 0 && this.#header(json)) return
    const line = lineOf(json)
    if (!line) {
      this.damage.push({ file: segmentName(this.segment), offset, bytes: length })
      return
    }
    this.#take(line, offset, length)
  }

  readonly #onBytes = (bytes: Buffer, at: number, offset: number): number => {
    if (this.#sealed) return 0
    const line = this.#quick.line(bytes, at)
    if (!line) return 0
    const length = this.#quick.at - at
    this.#take(line, offset, FRAME + length)
    return length
  }

  #take(line: Line, offset: number, length: number): void {
    if (line.n <= this.n) return
    if (line.n > this.n + 1) this.missing += line.n - this.n - 1
    this.n = line.n
    const { d } = line as { d?: number }
    if (typeof d === 'number' && d > this.#proven && d <= offset) this.#proven = d
    if (line.op === 'seal') {
      this.#sealed = line
      // Its number is given again: in another segment all that is read of this one may end before it.
      this.n--
    }
    applyLine(this.#state, line, { file: this.#file, offset, length }, positionOf(this.segment, offset + length))
  }

  #header(json: string): boolean {
    const header = headerOf(json)
    if (!header || header.format !== FORMAT) return false
    if (header.n > this.n) this.missing += header.n - this.n
    // Where lines are repeated, it is less than what was read of them.
    if (header.n > this.n) this.n = header.n
    return true
  }

  #provenEnd(size: number): number {
    const known = this.durableBytes
    if (known > this.end) return known
    return Math.max(known, provenEnd(this.#files.file(this.#file), this.#lines, this.end, size))
  }

  /** Passes over what is damaged in the part that is on disk: there is no torn tail there, nor will be. */
  #passBelow(proven: number): void {
    const end = Math.min(proven, this.size)
    // What was a torn tail when it was read may have made way for lines before it was known how much is on disk.
    const stop = this.#reader!.read(end, this.#onLine, this.#onBytes)
    this.end = this.#reader!.at
    if (stop === 'broken') this.#pass(end)
  }

  /** Passes over damage, at most up to `end`. */
  #pass(end: number): void {
    const offset = this.end
    const reader = this.#reader!
    reader.skip(end)
    this.end = reader.at
    this.damage.push({ file: segmentName(this.segment), offset, bytes: this.end - offset })
  }
}
