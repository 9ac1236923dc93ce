import { setTimeout as sleep } from 'node:timers/promises'
import { random } from '../client/storm-random.mjs'

export interface StormOptions {
  /** Repeats the choices of a storm; when what happens between processes is up to the machine. */
  seed: number
  /** How long it goes on, in ms; checking what is left comes on top. */
  ms: number
  /** Ends it early. */
  signal?: AbortSignal
  /** A fault is planted, which the checker has to find. */
  canary?: boolean
}

/** One storm that runs: what decides it, what it counts, and what its checker found. */
export class Storm {
  readonly seed: number
  readonly ms: number
  readonly isCanary: boolean
  readonly #signal: AbortSignal | undefined
  #deadline = Number.POSITIVE_INFINITY
  readonly below: (count: number) => number
  readonly chance: (probability: number) => boolean
  readonly pick: <T>(choices: readonly T[]) => T
  kills = 0
  operations = 0
  /** What else is worth knowing, by its name. */
  readonly notes: Record<string, number> = {}
  /** Everything that was lost, held twice, left behind, or otherwise not as promised. */
  readonly problems: string[] = []

  constructor({ seed, ms, signal, canary = false }: StormOptions) {
    this.seed = seed
    this.ms = ms
    this.isCanary = canary
    this.#signal = signal
    const { below, chance, pick } = random(seed)
    this.below = below
    this.chance = chance
    this.pick = pick
  }

  /** Its time runs from here on: what came before was preparation. */
  begin(): void {
    this.#deadline = performance.now() + this.ms
  }

  get isOver(): boolean {
    return this.isStopped || performance.now() >= this.#deadline
  }

  get isStopped(): boolean {
    return this.#signal?.aborted ?? false
  }

  /** At most until the storm is over. */
  async pause(ms: number): Promise<void> {
    const left = Math.max(0, Math.min(ms, this.#deadline - performance.now()))
    await sleep(left, undefined, this.#signal ? { signal: this.#signal } : {}).catch(() => {})
  }

  /** For what has to be so at its end. */
  check(isSo: boolean, problem: string | (() => string)): void {
    if (!isSo && this.problems.length < 100) this.problems.push(typeof problem === 'string' ? problem : problem())
  }

  /** For what has to become so soon. */
  async soon(condition: () => boolean | Promise<boolean>, ms: number, problem: string | (() => string)): Promise<void> {
    const deadline = performance.now() + ms
    while (!(await condition())) {
      if (this.isStopped) return
      if (performance.now() > deadline) {
        this.check(false, () => `after ${ms} ms: ${typeof problem === 'string' ? problem : problem()}`)
        return
      }
      await sleep(10)
    }
  }

  note(name: string, by = 1): void {
    this.notes[name] = (this.notes[name] ?? 0) + by
  }
}
