import { crc32 } from 'node:zlib'
import type { Appender, Disk, Lines, ReadFile } from '../../src/store/disk.ts'
import { positionOf } from '../../src/store/format.ts'
import type { Lives } from '../../src/store/lives.ts'

/**
 * A machine with a disk that keeps its promises and no more: what was synced stays. Of what was not, a power cut keeps,
 * drops or garbles each block of its own; a sync that fails leaves the bytes readable, and never brings them to disk.
 * Folder changes are kept in their order up to some point, or not.
 */
export interface Faults {
  /** Share of syncs that fail. */
  failing?: number
  /** The canary: syncs that say they did, and did not. */
  lying?: boolean
}

const BLOCK = 64

/** xorshift32: the same seed makes the same choices. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = (seed * 2654435761) >>> 0 || 1
  }

  below(limit: number): number {
    let x = this.#state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.#state = x >>> 0
    return this.#state % limit
  }

  chance(share: number): boolean {
    return this.below(1_000_000) < share * 1_000_000
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }
}

class Inode {
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

type Change = { add: string; inode: Inode } | { remove: string }

export class Machine {
  readonly random: Random
  faults: Faults
  folder = new Map<string, Inode>()
  #synced = new Map<string, Inode>()
  #changes: Change[] = []
  /** All lines that were ever appended. */
  readonly appended = new Set<string>()
  durable = 0
  end = 0
  failed = 0
  readonly living = new Set<number>()
  compacting = false
  boot = 0
  readonly watchers = new Set<() => void>()
  failures = 0

  constructor(random: Random, faults: Faults = {}) {
    this.random = random
    this.faults = faults
  }

  change(change: Change): void {
    this.#changes.push(change)
    apply(this.folder, change)
  }

  syncFolder(): void {
    if (this.faults.lying) return
    this.#synced = new Map(this.folder)
    this.#changes = []
  }

  /** The power goes, and comes back. Whoever ran does not. */
  cut(): void {
    this.boot++
    this.living.clear()
    this.watchers.clear()
    this.compacting = false
    this.durable = 0
    this.end = 0
    this.failed = 0
    const kept = this.#changes.slice(0, this.random.below(this.#changes.length + 1))
    this.folder = this.#synced
    for (const change of kept) apply(this.folder, change)
    for (const inode of new Set(this.folder.values())) inode.cut(this.random)
    this.#synced = new Map(this.folder)
    this.#changes = []
  }

  stir(): void {
    for (const watcher of this.watchers) setImmediate(watcher)
  }
}

function apply(folder: Map<string, Inode>, change: Change): void {
  if ('add' in change) folder.set(change.add, change.inode)
  else folder.delete(change.remove)
}

const never = new Promise<never>(() => {})

/** One process on the machine. Dead, it does nothing any more. */
export class Process implements Disk {
  readonly dir = '/simulated'
  readonly appender: Appender
  readonly lives: Lives
  readonly #machine: Machine
  readonly #boot: number
  #killed = false
  #compacting = false

  constructor(machine: Machine, worker: number) {
    this.#machine = machine
    this.#boot = machine.boot
    machine.living.add(worker)
    this.lives = {
      own: worker,
      beat() {},
      leave: () => machine.living.delete(worker),
      isAlive: (other) => machine.living.has(other),
      isOverdue: () => false,
      bury() {},
    }
    this.appender = this.#makeAppender()
  }

  kill(): void {
    this.#killed = true
    this.#machine.living.delete(this.lives.own)
    if (this.#compacting) this.#machine.compacting = false
    this.#machine.stir()
  }

  get isDead(): boolean {
    return this.#killed || this.#boot !== this.#machine.boot
  }

  #check(): void {
    if (this.isDead) throw new Error('this process is dead')
  }

  /** Some time passes. */
  async #pause(): Promise<void> {
    for (let i = this.#machine.random.below(3); i >= 0; i--) await new Promise((resolve) => setImmediate(resolve))
    if (this.isDead) await never
  }

  names(): string[] {
    this.#check()
    return [...this.#machine.folder.keys()]
  }

  open(name: string): ReadFile | null {
    this.#check()
    const inode = this.#machine.folder.get(name)
    if (!inode) return null
    return {
      size: () => inode.cached.length,
      read: (into, at, length) => (at < inode.cached.length ? inode.cached.copy(into, 0, at, at + length) : 0),
      close() {},
    }
  }

  async make(
    name: string,
    write: (append: (bytes: Buffer) => Promise<void>) => Promise<void>,
    replace = false,
  ): Promise<boolean> {
    this.#check()
    const inode = new Inode()
    const unfinished = `new-4194999-${this.#machine.random.below(1e9).toString(16)}`
    this.#machine.change({ add: unfinished, inode })
    await write(async (bytes) => {
      await this.#pause()
      inode.write(Buffer.from(bytes), inode.cached.length)
    })
    await this.#pause()
    await this.#sync(inode, { errors: 0 })
    const made = replace || !this.#machine.folder.has(name)
    if (made) this.#machine.change({ add: name, inode })
    this.#machine.change({ remove: unfinished })
    await this.#pause()
    this.#machine.syncFolder()
    return made
  }

  async #sync(inode: Inode, told: { errors: number } = inode): Promise<void> {
    const content = Buffer.from(inode.cached)
    const { version } = inode
    await this.#pause()
    const { random, faults } = this.#machine
    if (random.chance(faults.failing ?? 0)) {
      this.#machine.failures++
      inode.failSync()
    }
    if (told.errors < inode.errors) {
      told.errors = inode.errors
      throw Object.assign(new Error('EIO: injected'), { code: 'EIO' })
    }
    if (!faults.lying) inode.sync(content, version)
  }

  async syncFolder(): Promise<void> {
    await this.#pause()
    this.#machine.syncFolder()
  }

  remove(name: string): void {
    this.#check()
    if (this.#machine.folder.has(name)) this.#machine.change({ remove: name })
  }

  lockCompaction(): Disposable | null {
    if (this.#machine.compacting) return null
    this.#machine.compacting = true
    this.#compacting = true
    return {
      [Symbol.dispose]: () => {
        this.#compacting = false
        if (!this.isDead) this.#machine.compacting = false
      },
    }
  }

  close(): void {}

  #makeAppender(): Appender {
    const machine = this.#machine
    let inode: Inode
    let segment = 0
    let told = { errors: 0 }
    return {
      use: (name, number) => {
        this.#check()
        inode = machine.folder.get(name)!
        segment = number
        told = { errors: inode.errors }
      },
      append: (lines, length, expected) => {
        this.#check()
        if (inode.cached.length !== expected) return 0
        const bytes = Buffer.from(lines.subarray(0, length))
        simLines.stamp(bytes, length)
        for (const line of bytes.toString().trimEnd().split('\n')) machine.appended.add(line.slice(9))
        inode.write(bytes, expected)
        machine.end = positionOf(segment, expected + length)
        machine.stir()
        return 1
      },
      cut: (at) => {
        this.#check()
        const isKnown = positionOf(segment, at) < machine.durable
        if (isKnown || inode.cached.length <= at || simLines.whole(inode.cached, at, inode.cached.length) > at) return 0
        inode.cached = Buffer.from(inode.cached.subarray(0, at))
        inode.version++
        return 1
      },
      size: () => {
        this.#check()
        return inode.cached.length
      },
      durable: () => machine.durable,
      vouch: (position) => {
        machine.durable = Math.max(machine.durable, position)
      },
      sync: async (target) => {
        this.#check()
        if (machine.durable >= target) return
        // Behind the last append: there may be a torn tail.
        const isSame = machine.end >= target && Math.floor(machine.end / 2 ** 32) === segment
        const end = isSame ? machine.end : target
        const of = segment
        try {
          if (machine.failed === of) throw Object.assign(new Error('EIO'), { code: 'EIO' })
          await this.#sync(inode, told)
          if (machine.failed === of) throw Object.assign(new Error('EIO'), { code: 'EIO' })
        } catch (error) {
          machine.failed = of
          throw error
        }
        machine.durable = Math.max(machine.durable, end)
      },
      holder: () => 0,
    }
  }
}

/** The same as the addon's, written anew. */
export const simLines: Lines = {
  whole(bytes, from, to) {
    let at = from
    for (;;) {
      const end = bytes.indexOf(10, at)
      if (end < 0 || end >= to || end - at < 11 || bytes[at + 8] !== 32) return at
      if (digits(crc32(bytes.subarray(at + 9, end))) !== bytes.toString('latin1', at, at + 8)) return at
      at = end + 1
    }
  },
  stamp(bytes, length) {
    for (let at = 0; at < length; ) {
      const end = bytes.indexOf(10, at + 9)
      bytes.write(`${digits(crc32(bytes.subarray(at + 9, end)))} `, at)
      at = end + 1
    }
  },
}

const digits = (crc: number): string => crc.toString(16).padStart(8, '0')
