import { compact } from './compaction.ts'
import type { Disk, Lines } from './disk.ts'
import type { Engine } from './engine.ts'
import { snapshotName } from './format.ts'
import type { Lives } from './lives.ts'
import { relocate } from './relocation.ts'

/** A journal this long is compacted, unless what it is about is longer. */
const LONG_JOURNAL = 8 * 1024 * 1024

/** What a store does for its own size, beside all else. */
export class Housekeeping {
  readonly #parts: { engine: Engine; disk: Disk; lines: Lines; lives: Lives; retention: number }
  readonly #stop = new AbortController()
  #relocated: number
  #relocating: Promise<void> | undefined
  #compacting: Promise<boolean> | undefined
  #snapshotBytes: number

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
    if (engine.loaded.journal.end > Math.max(LONG_JOURNAL, this.#snapshotBytes) && !this.#compacting) {
      // What fails now fails again when it matters, and is told then.
      this.compact().catch(() => {})
    }
  }

  /** The state is another one, and its texts are where it found them. */
  reloaded(): void {
    this.#relocated = this.#parts.engine.state.snapshot
  }

  /** False where another process compacts. One that is under way here is the one. */
  compact(): Promise<boolean> {
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

function sizeOf(disk: Disk, snapshot: number): number {
  const file = snapshot > 0 ? disk.open(snapshotName(snapshot)) : null
  try {
    return file?.size() ?? 0
  } finally {
    file?.close()
  }
}
