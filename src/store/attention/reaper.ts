import { Ask } from '../engine/ask.ts'
import type { Context } from '../engine/context.ts'
import { reap } from '../engine/operations.ts'

/** A pull looks at others' lives by itself, when nobody here is waiting for anything; no more often than this. */
const LOOK_PAUSE_MS = 50

/** Frees what the dead and the stuck have claimed. */
export class Reaper {
  readonly #context: Context
  readonly #read: () => void
  readonly #reaping = new Set<number>()
  #lastLook = Number.NEGATIVE_INFINITY

  /** @param read what others have appended */
  constructor(context: Context, read: () => void) {
    this.#context = context
    this.#read = read
  }

  /** For who only asks now and then. */
  look(now = performance.now()): void {
    if (now - this.#lastLook < LOOK_PAUSE_MS) return
    this.#lastLook = now
    this.#read()
    this.lookNow()
  }

  lookNow(): void {
    const { engine, lives } = this.#context
    for (const worker of engine.state.holders.keys()) {
      if (this.#reaping.has(worker)) continue
      if (!lives.isAlive(worker)) this.#reap(worker, 'killed')
      else if (lives.isOverdue(worker)) this.#reap(worker, 'lease')
    }
  }

  #reap(worker: number, why: 'killed' | 'lease'): void {
    const { engine, lives } = this.#context
    this.#reaping.add(worker)
    const done = () => {
      this.#reaping.delete(worker)
    }
    const ask = new Ask<void>((batch) => reap(this.#context, batch, worker, why))
    ask.promise.then(() => {
      done()
      if (why === 'killed') lives.bury(worker)
    }, done)
    engine.submit(ask)
  }
}
