import type { Random } from './sim-random.ts'

/** What a disk writes whole, or not. Small, so that a line is in several. */
const BLOCK = 64

/** A file: what is in the cache, and what is on disk. */
export class Inode {
  cached = Buffer.alloc(0)
  synced = Buffer.alloc(0)
  version = 0
  /** Failed syncs. Each who had the file open then is told so at its next one, and nobody else. */
  errors = 0
  #syncedVersion = 0
  /** Blocks whose sync has failed: only writing them again brings them to disk. */
  readonly lost = new Set<number>()

  write(bytes: Buffer, at: number): void {
    const size = Math.max(this.cached.length, at + bytes.length)
    const grown = Buffer.alloc(size)
    this.cached.copy(grown)
    bytes.copy(grown, at)
    this.cached = grown
    this.version++
    for (const block of blocksOf(at, at + bytes.length)) this.lost.delete(block)
  }

  /** All that there was at some time is on disk, unless a later sync was faster. */
  sync(content: Buffer, version: number): void {
    if (version < this.#syncedVersion) return
    this.#syncedVersion = version
    const synced = Buffer.alloc(content.length)
    content.copy(synced)
    for (const block of this.lost) {
      const start = block * BLOCK
      if (start >= content.length) continue
      synced.fill(0, start, Math.min(start + BLOCK, synced.length))
      this.synced.copy(synced, start, start, Math.min(start + BLOCK, this.synced.length))
    }
    this.synced = synced
  }

  failSync(): void {
    this.errors++
    for (const block of this.#dirty()) this.lost.add(block)
  }

  #dirty(): number[] {
    return blocksOf(0, this.cached.length).filter((block) => !part(this.cached, block).equals(part(this.synced, block)))
  }

  cut(random: Random): void {
    const dirty = this.#dirty()
    const size = dirty.length === 0 || random.chance(0.5) ? this.cached.length : this.synced.length
    const left = Buffer.alloc(size)
    this.synced.copy(left)
    for (const block of dirty) {
      const start = block * BLOCK
      if (this.lost.has(block) || start >= size) continue
      const fate = random.below(3)
      if (fate === 0) this.cached.copy(left, start, start, Math.min(start + BLOCK, size))
      // What was synced in the same block is not garbled: a disk writes sectors whole, and the rest is as it was.
      else if (fate === 1)
        for (let i = Math.max(start, this.synced.length); i < Math.min(start + BLOCK, size); i++)
          left[i] = random.below(256)
    }
    this.cached = left
    this.synced = Buffer.from(left)
    this.lost.clear()
    this.version++
  }
}

const part = (bytes: Buffer, block: number): Buffer => bytes.subarray(block * BLOCK, (block + 1) * BLOCK)

function blocksOf(from: number, to: number): number[] {
  const blocks: number[] = []
  for (let block = Math.floor(from / BLOCK); block * BLOCK < to; block++) blocks.push(block)
  return blocks
}
