import type { Results } from './results.ts'
import type { Storm } from './storm.ts'

/** Not the one of now: a simulated disk has a clock of its own. */
const now = performance.now.bind(performance)

/** A line that is drawn anew each second on a terminal; elsewhere one for each minute. */
export class Progress {
  readonly #end: number
  readonly #isTerminal = process.stdout.isTTY
  readonly #timer: NodeJS.Timeout
  #name = ''
  #storm: Storm | null = null
  #before = { kills: 0, operations: 0, losses: 0 }

  constructor(end: number) {
    this.#end = end
    this.#timer = setInterval(() => this.#tell(), this.#isTerminal ? 1000 : 60_000)
  }

  follow(name: string, storm: Storm): void {
    this.#name = name
    this.#storm = storm
  }

  /** Its counts are in the results from now on. */
  ended({ storms }: Results): void {
    this.#storm = null
    const all = Object.values(storms)
    const sum = (of: 'kills' | 'operations' | 'losses') => all.reduce((total, one) => total + one[of], 0)
    this.#before = { kills: sum('kills'), operations: sum('operations'), losses: sum('losses') }
  }

  lost(name: string, problems: readonly string[]): void {
    process.stdout.write(`${this.#isTerminal ? '\r\x1b[K' : ''}${name}: ${problems[0]}\n`)
  }

  end(): void {
    clearInterval(this.#timer)
    if (this.#isTerminal) process.stdout.write('\r\x1b[K')
  }

  #tell(): void {
    const { kills = 0, operations = 0, problems = [] } = this.#storm ?? {}
    const minutes = Math.max(0, (this.#end - now()) / 60_000).toFixed(this.#isTerminal ? 1 : 0)
    const { kills: k, operations: o, losses: l } = this.#before
    const text = `${minutes} min to go, ${this.#name}: ${k + kills} kills, ${o + operations} operations, ${l + problems.length} losses`
    process.stdout.write(this.#isTerminal ? `\r\x1b[K${text}` : `${text}\n`)
  }
}
