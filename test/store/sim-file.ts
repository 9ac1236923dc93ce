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

  truncate(size: number): void {
    this.cached = Buffer.from(this.cached.subarray(0, size))
    this.version++
  }

  /** All that there was at some time is on disk, unless a later sync was faster. */
  sync(content: Buffer, version: number): void {
    if (version < this.#syncedVersion) return
    this.#syncedVersion = version
    const synced = Buffer.from(content)
    for (const block of this.lost) {
      const start = block * BLOCK
      if (start >= content.length) continue
      synced.fill(0, start, Math.min(start + BLOCK, synced.length))
      this.synced.copy(synced, start, start, Math.min(start + BLOCK, this.synced.length))
    }
    this.synced = synced
  }

  /** Some of what was to be brought to disk was. */
  failSync(random: Random): void {
    this.errors++
    for (const block of this.#dirty()) if (random.chance(0.7)) this.lost.add(block)
  }

  #dirty(): number[] {
    return blocksOf(0, this.cached.length).filter((block) => !part(this.cached, block).equals(part(this.synced, block)))
  }

  /** The power goes: of each block that was not on disk there is what was there before, or the new, or part of it, or anything. */
  cut(random: Random): void {
    const dirty = this.#dirty()
    const left = Buffer.alloc(this.#sizeLeft(random))
    this.synced.copy(left)
    for (const block of dirty) {
      const start = block * BLOCK
      const end = Math.min(start + BLOCK, left.length)
      if (start >= end) continue
      // What was synced in the same block stays: a disk writes sectors whole, and the rest of it is as it was.
      const unsynced = Math.max(start, Math.min(this.synced.length, end))
      const fate = random.below(4)
      if (fate === 0) {
        if (!this.lost.has(block)) this.cached.copy(left, start, start, end)
      } else if (fate === 1) {
        for (let i = unsynced; i < end; i++) left[i] = random.below(256)
      } else if (fate === 2) {
        const whole = Math.min(end, this.cached.length)
        if (unsynced < whole) this.cached.copy(left, unsynced, unsynced, unsynced + random.below(whole - unsynced + 1))
      }
    }
    this.cached = left
    this.synced = Buffer.from(left)
    this.#syncedVersion = this.version
    this.lost.clear()
    this.version++
  }

  /** A size is brought to disk at another time than what is in it. */
  #sizeLeft(random: Random): number {
    const { length: now } = this.cached
    const { length: then } = this.synced
    const fate = random.below(4)
    if (fate === 0) return then
    if (fate === 1) return Math.min(now, then) + random.below(Math.abs(now - then) + 1)
    return now
  }
}

const part = (bytes: Buffer, block: number): Buffer => bytes.subarray(block * BLOCK, (block + 1) * BLOCK)

function blocksOf(from: number, to: number): number[] {
  const blocks: number[] = []
  for (let block = Math.floor(from / BLOCK); block * BLOCK < to; block++) blocks.push(block)
  return blocks
}
