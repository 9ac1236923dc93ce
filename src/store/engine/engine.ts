import { monotonicMs } from '../clock.ts'
import type { Disk, Lines } from '../disk/disk.ts'
import { failed, storeClosed } from '../errors.ts'
import { LineBuffer, positionOf } from '../format/format.ts'
import type { Place } from '../format/line.ts'
import type { Found } from '../journal/journal.ts'
import { type Loaded, load } from '../journal/load.ts'
import { applyLine } from '../state/fold.ts'
import type { Frozen } from '../state/state.ts'
import { AppenderWait } from './appender-wait.ts'
import { Batch } from './batch.ts'
import { Durability } from './durability.ts'

/** Something asked of a store, on its way. */
export interface Operation {
  /**
   * Decides on the batch's state, which all of the journal has gone into; adds what is to be appended. False: it is about
   * a job that another of the batch changes, and has to be decided after that. What it throws is its answer.
   */
  decide(batch: Batch): boolean
  /** All that its answer rests on is on disk. */
  settle(): void
  fail(error: unknown): void
}

const LONGEST_TURN_MS = 2
const MOST_LINES = 4096
const MOST_RECENT = 2048
const LONGEST_RECENT = 2048

export interface EngineEvents {
  /** Lines were applied, our own or others'. */
  changed(): void
  /** The state was loaded anew. */
  reloaded(): void
}

/**
 * One process's part in a store: brings what waits at the same time into one append, decided on all that was appended
 * before, and lets it be answered when it is on disk.
 */
export class Engine {
  readonly disk: Disk
  readonly durability: Durability
  readonly now: () => number
  loaded: Loaded
  #queue: Operation[] = []
  #scheduled = false
  #recovering: Promise<unknown> | undefined
  /** It is only for another's lock, which who reads needs not. */
  #isAwaitingAppender = false
  #closed = false
  #told = 0
  #turned = Number.NEGATIVE_INFINITY
  readonly #lines: Lines
  readonly #events: EngineEvents
  readonly #appenderWait: AppenderWait
  readonly #buffer = new LineBuffer()
  /** Requests just created: mostly they are pulled soon. */
  readonly #recent = new Map<number, string>()

  constructor(
    disk: Disk,
    lines: Lines,
    loaded: Loaded,
    options: { synced: boolean; now: () => number; events: EngineEvents },
  ) {
    this.disk = disk
    this.#lines = lines
    this.loaded = loaded
    this.now = options.now
    this.#events = options.events
    this.#appenderWait = new AppenderWait(disk)
    this.durability = new Durability(disk.appender, options.synced, () =>
      this.#abandonSegment().catch((error) => {
        throw failed(disk.dir, error)
      }),
    )
  }

  get state() {
    return this.loaded.state
  }

  /** Where the journal ends, as far as it was read. */
  get position(): number {
    return this.loaded.journal.position
  }

  get waiting(): number {
    return this.#queue.length
  }

  submit(operation: Operation): void {
    if (this.#closed) {
      operation.fail(storeClosed(this.disk.dir))
      return
    }
    this.#queue.push(operation)
    if (this.#scheduled) return
    this.#scheduled = true
    // After all that runs now: what it asks for too goes into the same append. Answers that need no disk come without
    // the event loop, and who asks again and again would never let it turn.
    if (monotonicMs() - this.#turned < LONGEST_TURN_MS) process.nextTick(this.#flush)
    else setImmediate(this.#turn)
  }

  /** The object of a job's line. */
  text(id: number, place: Place): string {
    return this.#recent.get(id) ?? this.loaded.files.text(place)
  }

  /** Reads what others have appended. False where that takes longer: then it goes on by itself. */
  catchUp(): boolean {
    if ((this.#recovering && !this.#isAwaitingAppender) || this.#closed) return false
    const before = this.position
    const found = this.loaded.journal.catchUp(false)
    if (this.position !== before) this.#events.changed()
    if (found === 'ready' || found === 'torn') return true
    this.#recover(found)
    return false
  }

  /** All operations so far are decided; none follows. */
  async close(): Promise<void> {
    do {
      await this.durability.settled()
      while (this.#queue.length > 0 || this.#recovering) {
        if (this.#recovering) await this.#recovering
        else this.#flush()
      }
      // Whoever is answered now may still give something back.
      await this.durability.settled()
    } while (this.#queue.length > 0)
    this.#closed = true
  }

  /**
   * Ends the segment, and answers with what was so at its end.
   *
   * @returns the segment behind it, and the number of its last line that counts
   */
  async seal(): Promise<{ frozen: Frozen; segment: number; n: number }> {
    for (;;) {
      while (this.#recovering) await this.#recovering
      const { journal, state } = this.loaded
      const found = journal.catchUp(true)
      const outcome = found === 'ready' ? journal.appendSeal(this.now()) : found
      if (outcome === 'done') {
        const sealed = { frozen: state.freeze(), segment: journal.segment + 1, n: journal.n }
        await this.#recover('sealed', true)
        return sealed
      }
      if (outcome === 'sealed' || outcome === 'gone') await this.#recover(outcome, true)
      else if (outcome === 'busy') await this.#appenderWait.wait()
    }
  }

  readonly #turn = (): void => {
    this.#turned = monotonicMs()
    this.#flush()
  }

  readonly #flush = (): void => {
    this.#scheduled = false
    try {
      while (this.#queue.length > 0 && !this.#recovering && !this.#closed) {
        const before = this.position
        const found = this.loaded.journal.catchUp(true)
        if (this.position !== before) this.#events.changed()
        if (found !== 'ready') this.#recover(found)
        else if (!this.#appendNext()) return
      }
    } catch (error) {
      this.#failAll(error)
    }
    this.#events.changed()
  }

  /** Decides and appends; false where another process stands in the way. */
  #appendNext(): boolean {
    const { journal, state } = this.loaded
    const mark = journal.durableBytes
    const batch = new Batch(state, this.now(), this.#buffer, journal.n, mark > this.#told ? mark : 0)
    const decided = this.#decide(batch)
    const operations = this.#queue.slice(0, decided)
    if (batch.lines.length > 0) {
      const start = journal.end
      let outcome: 'done' | 'conflict' | 'busy'
      try {
        outcome = journal.append(batch.buffer, batch.lines.length)
      } catch (error) {
        putBack(batch)
        this.#queue.splice(0, decided)
        for (const operation of operations) operation.fail(failed(this.disk.dir, error))
        return true
      }
      if (outcome !== 'done') {
        putBack(batch)
        if (outcome === 'busy') this.#recover('busy')
        return outcome === 'conflict'
      }
      if (mark > this.#told) this.#told = mark
      this.#apply(batch, start)
    }
    this.#queue.splice(0, decided)
    this.durability.settle(operations, this.position, this.#queue.length === 0)
    return true
  }

  /** How many operations, from the first on, the batch stands for. */
  #decide(batch: Batch): number {
    let decided = 0
    for (; decided < this.#queue.length && batch.lines.length < MOST_LINES && !batch.isFull; decided++) {
      if (!this.#queue[decided]!.decide(batch)) break
    }
    return decided
  }

  #apply(batch: Batch, start: number): void {
    const { journal, state } = this.loaded
    let offset = start
    for (const [i, line] of batch.lines.entries()) {
      const length = batch.lengths[i]!
      const place = journal.place(offset, length)
      offset += length
      if (line.op === 'create') this.#remember(line.n, batch.jsons[i]!)
      else if ('id' in line && line.op !== 'progress') this.#recent.delete(line.id)
      applyLine(state, line, place, positionOf(journal.segment, offset))
    }
    state.tidy()
  }

  #remember(id: number, json: string): void {
    if (json.length > LONGEST_RECENT) return
    this.#recent.set(id, json)
    if (this.#recent.size > MOST_RECENT) this.#recent.delete(this.#recent.keys().next().value!)
  }

  #failAll(error: unknown): void {
    for (const operation of this.#queue.splice(0)) operation.fail(failed(this.disk.dir, error))
  }

  /** Does what takes longer, while operations wait. */
  async #recover(found: Found | 'busy', throws = false): Promise<void> {
    this.#recovering ??= this.#recovered(found)
      .catch((error) => {
        this.#failAll(error)
        return error
      })
      .finally(() => {
        this.#recovering = undefined
        this.#events.changed()
        if (this.#queue.length > 0 && !this.#scheduled) this.#flush()
      })
    const error = await this.#recovering
    // Without an operation in the queue, nobody else would hear of it.
    if (throws && error) throw error
  }

  async #recovered(found: Found | 'busy'): Promise<void> {
    if (found === 'busy') {
      this.#isAwaitingAppender = true
      await this.#appenderWait.wait().finally(() => {
        this.#isAwaitingAppender = false
      })
      return
    }
    const outcome = found === 'sealed' ? await this.loaded.journal.next() : 'gone'
    this.#told = 0
    if (outcome === 'gone') {
      const { watcher } = this.state
      this.loaded = await load(this.disk, this.#lines)
      this.state.watcher = watcher
      this.#recent.clear()
      this.#events.reloaded()
    }
  }

  /** A sync has failed: what is not on disk goes into another segment. */
  async #abandonSegment(): Promise<void> {
    while (this.#recovering) await this.#recovering
    const { journal } = this.loaded
    for (;;) {
      let found: string = journal.catchUp(true)
      if (found === 'ready') found = journal.appendSeal(this.now(), journal.durableBytes)
      if (found === 'sealed' || found === 'done') break
      if (found === 'gone') return
      if (found === 'busy') await this.#appenderWait.wait()
    }
    let failure: unknown
    this.#recovering = journal
      .next()
      .then(() => {
        this.#told = 0
      })
      .catch((error) => {
        failure = error
      })
      .finally(() => {
        this.#recovering = undefined
        if (this.#queue.length > 0 && !this.#scheduled) this.#flush()
      })
    await this.#recovering
    if (failure) throw failure
  }
}

function putBack(batch: Batch): void {
  for (const id of batch.taken) {
    const row = batch.state.table.find(id)
    if (row >= 0) batch.state.ready.push(-batch.state.table.priority[row]!, id)
  }
}
