import { loadavg } from 'node:os'
import { performance } from 'node:perf_hooks'
import { type CgroupFolder, cgroupFolders, type ReadText, readText } from './cgroup.ts'
import type { GovernorLimits, Pressure, Readings } from './governor.ts'

/** Of the newest count of running processes; the rest is what it was. One count alone jumps with every short process. */
const NEWEST = 0.5
/** Shares of a shorter time say little; the last figure stands meanwhile. */
const SHORTEST_MS = 100

/** What it reads with, for tests. */
export interface GaugeOptions {
  read?: ReadText
  now?: () => number
}

/** Reads what the governor goes by. Keeps what was read before, as some figures are differences. */
export class Gauge {
  readonly #read: ReadText
  readonly #now: () => number
  readonly #stalls = new Map<string, { at: number; total: number; percent: number }>()
  #load: number | null = null

  constructor({ read = readText, now = () => performance.now() }: GaugeOptions = {}) {
    this.#read = read
    this.#now = now
  }

  /** Only what there is a limit for. */
  read({ maxLoad, minMemory, maxPressure }: GovernorLimits): Readings {
    return {
      load: maxLoad === undefined ? null : this.#readLoad(),
      memoryAvailable: minMemory === undefined ? null : this.#readMemory(),
      pressure: maxPressure === undefined ? null : this.#readPressure(),
    }
  }

  /**
   * How many processes run or could run, but for this one. Not the load average: that follows so late, a minute, that
   * it makes a governor swing; and it counts who waits for a disk, which is what `io` of the pressure is for.
   */
  #readLoad(): number | null {
    const running = runningOf(this.#read('/proc/loadavg')) ?? averageLoad()
    if (running === null) return null
    this.#load = this.#load === null ? running : NEWEST * running + (1 - NEWEST) * this.#load
    return this.#load
  }

  #readMemory(): number | null {
    const figures = [memAvailable(this.#read('/proc/meminfo'))]
    for (const folder of cgroupFolders('memory', this.#read)) figures.push(this.#leftIn(folder))
    const known = figures.filter((figure) => figure !== null)
    return known.length === 0 ? null : Math.min(...known)
  }

  /** What the limit of a cgroup leaves, what can be dropped from the cache included. */
  #leftIn({ version, path }: CgroupFolder): number | null {
    const number = (name: string) => integer(this.#read(`${path}/${name}`))
    const limits = version === 2 ? [number('memory.max'), number('memory.high')] : [number('memory.limit_in_bytes')]
    const limit = Math.min(...limits.filter((bytes) => bytes !== null))
    if (!Number.isFinite(limit)) return null
    const used = number(version === 2 ? 'memory.current' : 'memory.usage_in_bytes')
    if (used === null) return null
    const stat = this.#read(`${path}/memory.stat`) ?? ''
    const prefix = version === 2 ? '' : 'total_'
    const droppable = ['inactive_file', 'active_file', 'slab_reclaimable'].map(
      (name) => field(stat, prefix + name) ?? 0,
    )
    return Math.max(0, limit - used + droppable.reduce((sum, bytes) => sum + bytes, 0))
  }

  /** The worse of the machine's and of our cgroup's. */
  #readPressure(): Readings['pressure'] {
    const own = cgroupFolders('', this.#read).filter(({ version }) => version === 2)[0]?.path
    const of = (kind: keyof Pressure): number | null => {
      const paths = [`/proc/pressure/${kind}`, ...(own === undefined ? [] : [`${own}/${kind}.pressure`])]
      const known = paths.map((path) => this.#stalled(path)).filter((percent) => percent !== null)
      return known.length === 0 ? null : Math.max(...known)
    }
    return { cpu: of('cpu'), memory: of('memory'), io: of('io') }
  }

  /** Percent of the time since the last look. The kernel's own averages go back 10 s: a governor would overshoot. */
  #stalled(path: string): number | null {
    const [, average, total] = /^some avg10=([\d.]+).* total=(\d+)$/m.exec(this.#read(path) ?? '') ?? []
    if (average === undefined || total === undefined) return null
    const now = { at: this.#now(), total: Number(total), percent: Number(average) }
    const last = this.#stalls.get(path)
    if (last) {
      const elapsed = now.at - last.at
      if (elapsed < SHORTEST_MS) return last.percent
      now.percent = Math.max(0, Math.min(100, (now.total - last.total) / (elapsed * 10)))
    }
    this.#stalls.set(path, now)
    return now.percent
  }
}

/** "0.94 0.40 0.44 3/180 10204": of 180 threads 3 run or could, and we, reading this, are one. */
function runningOf(text: string | null): number | null {
  const [, running] = /^[\d.]+ [\d.]+ [\d.]+ (\d+)\/\d+ /.exec(text ?? '') ?? []
  return running === undefined ? null : Math.max(0, Number(running) - 1)
}

/** Elsewhere than on Linux; all zeros are Windows, which has none. */
function averageLoad(): number | null {
  if (process.platform === 'linux' || process.platform === 'win32') return null
  return loadavg()[0] ?? null
}

function memAvailable(text: string | null): number | null {
  const [, kib] = /^MemAvailable: +(\d+) kB$/m.exec(text ?? '') ?? []
  return kib === undefined ? null : Number(kib) * 1024
}

/** "max" and anything else that is no number is no limit. */
function integer(text: string | null): number | null {
  return text !== null && /^\d+\n?$/.test(text) ? Number(text) : null
}

function field(text: string, name: string): number | null {
  const [, value] = new RegExp(`^${name} (\\d+)$`, 'm').exec(text) ?? []
  return value === undefined ? null : Number(value)
}
