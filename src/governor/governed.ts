import { type GovernorLimits, govern } from './governor.ts'
import { Gauge } from './readings.ts'

/** How often the machine is looked at. */
const TICK_MS = 1000

/** A pool's capacity as its governor leaves it. */
export class Governed {
  readonly #slots: () => number
  readonly #onChange: () => void
  readonly #gauge = new Gauge()
  #limits: GovernorLimits
  #effective = Number.POSITIVE_INFINITY
  #reason: string | null = null
  #timer: NodeJS.Timeout | undefined

  constructor(limits: GovernorLimits, slots: () => number, onChange: () => void) {
    this.#slots = slots
    this.#onChange = onChange
    this.#limits = limits
    this.setLimits(limits)
  }

  /** The most that it leaves; infinite where nothing is exceeded. */
  get effective(): number {
    return this.#effective
  }

  get status(): { limits: GovernorLimits; reason: string | null } | null {
    return isNone(this.#limits) ? null : { limits: this.#limits, reason: this.#reason }
  }

  setLimits(limits: GovernorLimits): void {
    this.#limits = limits
    this.stop()
    this.#effective = Number.POSITIVE_INFINITY
    this.#reason = null
    if (isNone(limits)) return
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #tick(): void {
    const slots = this.#slots()
    const before = this.#effective
    const { effective, reason } = govern({
      limits: this.#limits,
      readings: this.#gauge.read(this.#limits),
      slots,
      effective: Math.min(slots, before),
    })
    this.#effective = effective >= slots ? Number.POSITIVE_INFINITY : effective
    this.#reason = reason
    if (this.#effective !== before) this.#onChange()
  }
}

const isNone = (limits: GovernorLimits) => Object.values(limits).every((limit) => limit === undefined || limit === null)
