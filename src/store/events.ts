import { JobslotError } from '../errors.ts'
import type { Attention } from './attention/attention.ts'
import type { Disk, Lines, ReadFile } from './disk/disk.ts'
import type { Engine } from './engine/engine.ts'
import { contentsOf, positionOf, segmentName } from './format/format.ts'
import { headerOf, type Line, lineOf } from './format/line.ts'
import { LineReader } from './journal/line-reader.ts'

/** Something that happened: a line of the journal, see docs/store-format.md for what each has. */
export interface StoreEvent {
  /** One more than that of the event before: `events({ from })` goes on behind it. */
  position: number
  /** When it happened: ms since 1970. */
  time: number
  /** `create`, `claim`, `fulfill`, `fail`, `release`, `cancel`, … */
  type: Line['op']
  /** Of the job that it is about. */
  id?: number
  [more: string]: unknown
}

/** Where to begin, and what ends the iteration. */
export interface EventOptions {
  /** Those behind this position; 0: all, if none was compacted away. Without it: those from the call on. */
  from?: number | undefined
  /** Its abort ends the iteration with its reason. */
  signal?: AbortSignal | undefined
}

/** Behind an event: its position, and where the next one is read. */
export interface Beginning {
  position: number
  segment: number
  offset: number
}

/** Reads the journal for itself, beside the state, as far as it is on disk. */
export class EventReader {
  readonly #disk: Disk
  readonly #lines: Lines
  readonly #engine: Engine
  readonly #attention: Attention
  #segment = 0
  #file: ReadFile | undefined
  #reader: LineReader | undefined
  #last: number

  /** @param from the position behind which it begins */
  constructor(parts: { disk: Disk; lines: Lines; engine: Engine; attention: Attention }, from: number | Beginning) {
    this.#disk = parts.disk
    this.#lines = parts.lines
    this.#engine = parts.engine
    this.#attention = parts.attention
    this.#last = typeof from === 'number' ? from : from.position
    if (typeof from !== 'number') this.#open(from.segment, from.offset)
    else if (from > this.#engine.loaded.journal.n) throw notYet(from, this.#engine.loaded.journal.n)
  }

  /** @param ended ends it without an error */
  async *read(signal: AbortSignal | undefined, ended: AbortSignal): AsyncGenerator<StoreEvent, void> {
    let wake: (() => void) | undefined
    const stirred = () => wake?.()
    const listening = this.#attention.listen(stirred)
    signal?.addEventListener('abort', stirred)
    ended.addEventListener('abort', stirred)
    try {
      while (!ended.aborted) {
        // Before the look: what comes while this is told must not be missed.
        const woken = new Promise<void>((resolve) => {
          wake = resolve
        })
        const { events, isMore, isStuck } = this.#next()
        if (events.length > 0) await this.#engine.durability.reached(events.at(-1)!.end)
        for (const { event } of events) {
          signal?.throwIfAborted()
          yield event
        }
        if (isMore) continue
        signal?.throwIfAborted()
        if (this.#attention.isClosed) return
        if (!ended.aborted && (isStuck || this.#isAtEnd())) await woken
      }
    } finally {
      signal?.removeEventListener('abort', stirred)
      ended.removeEventListener('abort', stirred)
      listening[Symbol.dispose]()
      this.#file?.close()
    }
  }

  #isAtEnd(): boolean {
    return this.#file !== undefined && this.#reader!.at >= this.#file.size()
  }

  /** What one read finds. */
  #next(): { events: { event: StoreEvent; end: number }[]; isMore: boolean; isStuck?: boolean } {
    const events: { event: StoreEvent; end: number }[] = []
    if (!this.#file) this.#openFirst()
    const reader = this.#reader!
    let isOver = false
    const stop = reader.read(this.#file!.size(), (json, offset, length) => {
      if (offset === 0 && headerOf(json)) return
      const line = lineOf(json)
      if (!line || line.n <= this.#last || isOver) return
      if (line.op === 'seal') {
        isOver = true
        return
      }
      this.#last = line.n
      events.push({ event: eventOf(line), end: positionOf(this.#segment, offset + length) })
    })
    if (stop === 'broken') {
      const isMore = this.#passDamage()
      return { events, isMore, isStuck: !isMore }
    }
    if (isOver || (stop === 'end' && this.#hasNext())) {
      const isMore = this.#goOn()
      return { events, isMore, isStuck: !isMore }
    }
    return { events, isMore: stop === 'more' }
  }

  /** In a segment that others follow; at the journal's end it is a line that is just being written, or a torn tail. */
  #passDamage(): boolean {
    if (this.#segment >= this.#engine.loaded.journal.segment && this.#reader!.at >= this.#engine.loaded.journal.end)
      return false
    return this.#reader!.skip(this.#file!.size()) || this.#hasNext()
  }

  #hasNext(): boolean {
    return this.#segment < this.#engine.loaded.journal.segment && this.#reader!.at >= this.#file!.size()
  }

  #goOn(): boolean {
    if (this.#open(this.#segment + 1, 0)) return true
    if (this.#segment < this.#engine.loaded.journal.segment) throw gap(this.#last)
    this.#engine.catchUp()
    return false
  }

  #openFirst(): void {
    const { segments } = contentsOf(this.#disk.names())
    for (const segment of segments.reverse()) {
      if (!this.#open(segment, 0)) continue
      const header = this.#header()
      if (header !== undefined && header <= this.#last) return
      if (segment === 1) return
    }
    if (this.#last > 0 || !this.#file) throw gap(this.#last)
  }

  #header(): number | undefined {
    let n: number | undefined
    new LineReader(this.#file!, this.#lines).read(this.#file!.size(), (json, offset) => {
      if (offset === 0) n = headerOf(json)?.n
    })
    return n
  }

  /** Not before the engine has come there: it brings to disk what it writes to, and nothing else. */
  #open(segment: number, at: number): boolean {
    if (segment > this.#engine.loaded.journal.segment) return false
    const file = this.#disk.open(segmentName(segment))
    if (!file) return false
    this.#file?.close()
    this.#file = file
    this.#segment = segment
    this.#reader = new LineReader(file, this.#lines, at)
    return true
  }
}

/** A generator's `return` waits for a `next` that waits: this one's ends it, by its signal. */
export function endedByReturn<T>(generate: (ended: AbortSignal) => AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  const ended = new AbortController()
  const generator = generate(ended.signal)
  const finish = generator.return
  generator.return = (value) => {
    ended.abort()
    return finish.call(generator, value)
  }
  return generator
}

function gap(position: number): JobslotError {
  return new JobslotError(
    'ERR_JOBSLOT_STORE_GAP',
    `the events behind position ${position} are not there any more, as the store was compacted: read the jobs anew, and the events from now on`,
  )
}

function notYet(position: number, last: number): JobslotError {
  return new JobslotError(
    'ERR_JOBSLOT_STORE_GAP',
    `there is no position ${position}, as the store has come to ${last} only: it was made anew, or it is another one`,
  )
}

function eventOf({ n, t, op, ...rest }: Line): StoreEvent {
  const { d, ...fields } = rest as Record<string, unknown>
  return { position: n, time: t, type: op, ...(op === 'create' && { id: n }), ...fields }
}
