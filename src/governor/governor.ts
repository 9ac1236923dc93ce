/** What of the machine is to be spared; what is left out is not looked at. */
export interface GovernorLimits {
  /** At most so many processes that run or could run at once, as `make -l` of make 4.4 counts. */
  maxLoad?: number | undefined
  /** Bytes that are to stay available. */
  minMemory?: number | undefined
  /**
   * At most so much percent of the time in which something waited for memory or for I/O, or each on its own: Linux's
   * pressure stall information, since the last look.
   */
  maxPressure?: number | Partial<Pressure> | undefined
}

/** Percent of the time in which some process waited for it. */
export interface Pressure {
  /** For a CPU. */
  cpu: number
  /** For memory. */
  memory: number
  /** For files, disks. */
  io: number
}

/** Null is what this machine does not tell; a limit on it is not enforced. */
export interface Readings {
  load: number | null
  memoryAvailable: number | null
  pressure: { [K in keyof Pressure]: number | null } | null
}

export interface Governed {
  effective: number
  /** Why it is less than `slots`. */
  reason: string | null
}

type State = 'over' | 'near' | 'clear'
interface Finding {
  state: State
  text: string
}

// So far below a limit it is clear: at the limit itself, each slot more would be taken away by the next tick.
const MEMORY_MARGIN = 1.1
const PRESSURE_MARGIN = 0.8

/**
 * The capacity for the next tick: one slot down while any limit is exceeded, one up while all are clear. Never below one,
 * or what runs could not end; and what is over a limit at one slot is not of this pool's making.
 */
export function govern(input: {
  limits: GovernorLimits
  readings: Readings
  slots: number
  effective: number
}): Governed {
  const { slots } = input
  const before = Math.min(slots, input.effective)
  const findings = judge(input.limits, input.readings)
  const found = (state: State) => findings.find((finding) => finding.state === state)
  const worst = found('over') ?? found('near') ?? found('clear')
  if (!worst) return { effective: slots, reason: null }
  const step = { over: -1, near: 0, clear: 1 }[worst.state]
  const effective = Math.max(Math.min(slots, 1), Math.min(slots, before + step))
  return { effective, reason: effective < slots ? worst.text : null }
}

function judge({ maxLoad, minMemory, maxPressure }: GovernorLimits, readings: Readings): Finding[] {
  const findings: Finding[] = []
  const { load, memoryAvailable, pressure } = readings
  if (maxLoad !== undefined && load !== null) {
    // One job more would be one more that runs.
    const state = load > maxLoad ? 'over' : load + 1 > maxLoad ? 'near' : 'clear'
    findings.push({ state, text: `load ${round(load)}, at most ${round(maxLoad)}` })
  }
  if (minMemory !== undefined && memoryAvailable !== null) {
    const state = memoryAvailable < minMemory ? 'over' : memoryAvailable < minMemory * MEMORY_MARGIN ? 'near' : 'clear'
    findings.push({ state, text: `${size(memoryAvailable)} of memory available, at least ${size(minMemory)}` })
  }
  // A build that keeps all CPUs busy has processes waiting for one, so a single figure leaves the CPU out.
  const most = typeof maxPressure === 'number' ? { memory: maxPressure, io: maxPressure } : (maxPressure ?? {})
  for (const kind of ['memory', 'io', 'cpu'] as const) {
    const [is, limit] = [pressure?.[kind] ?? null, most[kind]]
    if (limit === undefined || is === null) continue
    const state = is > limit ? 'over' : is > limit * PRESSURE_MARGIN ? 'near' : 'clear'
    findings.push({ state, text: `${kind} pressure ${round(is)} %, at most ${round(limit)} %` })
  }
  return findings
}

const round = (figure: number): string => String(Math.round(figure * 10) / 10)

function size(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.max(0, Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10)))
  return `${round(bytes / 1024 ** power)} ${units[power]}`
}
