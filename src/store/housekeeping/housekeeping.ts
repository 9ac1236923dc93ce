import { setTimeout as sleep } from 'node:timers/promises'
import type { Disk, Lines, ReadFile } from '../disk/disk.ts'
import type { Lives } from '../disk/lives.ts'
import type { Engine } from '../engine/engine.ts'
import { snapshotName } from '../format/format.ts'
import { relocate } from '../journal/relocation.ts'
import { compact } from './compaction.ts'

/** A journal this long, values' files included, is compacted, unless it is short beside what it is about. */
const LONG_JOURNAL = 8 * 1024 * 1024
/** While that goes on, the journal behind it grows by no more than this, or by the same share. */
const MOST_GROWTH = LONG_JOURNAL / 2
const SHARE = 1 / 2
/** Another process compacts: it is looked at so often whether that is over. */
const OTHERS_MS = 20

/** What a store does for its own size, beside all else. */
export class Housekeeping {
  readonly #parts: { engine: Engine; disk: Disk; lines: Lines; lives: Lives; retention: number }
  readonly #stop = new AbortController()
  #relocated: number
  #relocating: Promise<void> | undefined
  #compacting: Promise<boolean> | undefined
  #snapshotBytes: number
  /** Where the compaction began: what came before is taken away by it. */
  #begun = { segment: 0, filed: 0 }
  #others: Promise<void> | undefined

  constructor(parts: { engine: Engine; disk: Disk; lines: Lines; lives: Lives; retention: number }) {
    this.#parts = parts
    this.#relocated = parts.engine.state.snapshot
    this.#snapshotBytes = sizeOf(parts.disk, this.#relocated)
  }

  /** Lines were applied. */
  changed(): void {
    if (this.#stop.signal.aborted) return
    const { engine } = this.#parts
    if (engine.state.snapshot > this.#relocated) this.#relocate()
    if (this.#compacting || this.#others) return
    if (engine.loaded.journal.end + engine.state.filed <= Math.max(LONG_JOURNAL, this.#snapshotBytes * SHARE)) return
    const wait = async () => {
      await sleep(OTHERS_MS)
      this.#others = undefined
    }
    this.compact().then(
      (done) => {
        if (!done && !this.#stop.signal.aborted) this.#others = wait()
      },
      // What fails now fails again when it matters, and is told then.
      () => {},
    )
  }

  /**
   * Where jobs and values are added faster than a compaction takes others away: resolves when it is over, done or not.
   * Whoever adds waits for that, or the disk would fill up.
   */
  get room(): Promise<unknown> | undefined {
    if (!this.#compacting) return this.#others
    const { loaded, state } = this.#parts.engine
    if (loaded.journal.segment <= this.#begun.segment) return undefined
    const grown = loaded.journal.end + Math.max(0, state.filed - this.#begun.filed)
    if (grown <= Math.max(MOST_GROWTH, this.#snapshotBytes * SHARE)) return undefined
    return this.#compacting.catch(() => {})
  }

  /** The state is another one, and its texts are where it found them. */
  reloaded(): void {
    this.#relocated = this.#parts.engine.state.snapshot
  }

  /** False where another process compacts. One that is under way here is the one. */
  compact(): Promise<boolean> {
    const { loaded, state } = this.#parts.engine
    if (!this.#compacting) this.#begun = { segment: loaded.journal.segment, filed: state.filed }
    this.#compacting ??= compact({ ...this.#parts, signal: this.#stop.signal }).finally(() => {
      this.#compacting = undefined
    })
    return this.#compacting
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#compacting?.catch(() => {})
    await this.#relocating
  }

  #relocate(): void {
    const { engine, lines, disk } = this.#parts
    const { loaded } = engine
    const { snapshot } = loaded.state
    this.#relocated = snapshot
    this.#snapshotBytes = sizeOf(disk, snapshot)
    const next = async () => {
      if (this.#stop.signal.aborted || loaded !== engine.loaded) return
      await relocate(loaded, lines, snapshot)
      loaded.journal.heal(snapshot)
    }
    // One that fails keeps files open, and nothing else.
    this.#relocating = (this.#relocating ?? Promise.resolve()).then(next).catch(() => {})
  }
}

/** 0 where it cannot be told: that is no reason to fail what it is asked beside. */
function sizeOf(disk: Disk, snapshot: number): number {
  let file: ReadFile | null = null
  try {
    file = snapshot > 0 ? disk.open(snapshotName(snapshot)) : null
    return file?.size() ?? 0
  } catch {
    return 0
  } finally {
    file?.close()
  }
}
