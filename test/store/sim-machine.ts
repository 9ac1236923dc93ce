import { crc32 } from 'node:zlib'
import type { Appender, Disk, Lines, ReadFile } from '../../src/store/disk/disk.ts'
import type { Lives } from '../../src/store/disk/lives.ts'
import { positionOf } from '../../src/store/format/format.ts'
import { Inode } from './sim-file.ts'
import type { Random } from './sim-random.ts'

/**
 * A machine with a disk that keeps its promises and no more: what was synced stays. Of what was not, a power cut keeps,
 * drops, cuts or garbles each block of its own; a sync that fails leaves the bytes readable, and never brings them to disk.
 * Folder changes are kept in their order up to some point, or any of them.
 */
export interface Faults {
  /** Share of syncs that fail. */
  failing?: number
  /** The canary: syncs that say they did, and did not. */
  lying?: boolean
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
    const last = this.random.below(this.#changes.length + 1)
    const isOrdered = this.random.chance(0.5)
    this.folder = this.#synced
    for (const [i, change] of this.#changes.entries()) {
      if (isOrdered ? i < last : this.random.chance(0.5)) apply(this.folder, change)
    }
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

/** Of its own for each who waits: one for all would keep them all. */
const never = () => new Promise<never>(() => {})

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
    if (this.isDead) await never()
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
    await this.syncFolder()
    return made
  }

  async #sync(inode: Inode, told: { errors: number } = inode): Promise<void> {
    const content = Buffer.from(inode.cached)
    const { version } = inode
    await this.#pause()
    const { random, faults } = this.#machine
    if (random.chance(faults.failing ?? 0)) {
      this.#machine.failures++
      inode.failSync(random)
    }
    if (told.errors < inode.errors) {
      told.errors = inode.errors
      throw Object.assign(new Error('EIO: injected'), { code: 'EIO' })
    }
    if (!faults.lying) inode.sync(content, version)
  }

  async syncFolder(): Promise<void> {
    await this.#pause()
    const { random, faults } = this.#machine
    if (random.chance(faults.failing ?? 0)) {
      this.#machine.failures++
      throw Object.assign(new Error('EIO: injected'), { code: 'EIO' })
    }
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
        inode.truncate(at)
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
        if (Math.floor(target / 2 ** 32) !== segment) throw Object.assign(new Error('EINVAL'), { code: 'EINVAL' })
        // Behind the last append: there may be a torn tail.
        const isSame = machine.end >= target && Math.floor(machine.end / 2 ** 32) === segment
        const end = isSame ? machine.end : target
        const of = segment
        try {
          if (machine.failed >= of) throw Object.assign(new Error('EIO'), { code: 'EIO' })
          await this.#sync(inode, told)
          if (machine.failed >= of) throw Object.assign(new Error('EIO'), { code: 'EIO' })
        } catch (error) {
          machine.failed = Math.max(machine.failed, of)
          throw error
        }
        machine.durable = Math.max(machine.durable, end)
      },
      syncNow: (target) => {
        this.#check()
        if (machine.durable >= target) return true
        const isSame = machine.end >= target && Math.floor(machine.end / 2 ** 32) === segment
        if (!isSame || machine.failed === segment || told.errors < inode.errors || machine.random.chance(0.5))
          return false
        if (machine.random.chance(machine.faults.failing ?? 0)) {
          machine.failures++
          machine.failed = segment
          inode.failSync(machine.random)
          told.errors = inode.errors
          return false
        }
        if (!machine.faults.lying) inode.sync(Buffer.from(inode.cached), inode.version)
        machine.durable = Math.max(machine.durable, machine.end)
        return true
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
