import { JobslotError } from '../../errors.ts'
import { timeoutOf } from '../calls/arguments.ts'
import type { WaitOptions } from '../calls/calls.ts'

type End = (error?: unknown) => void

/** Who waits for jobs to end, by job. */
export class Waits {
  readonly #ends = new Map<number, Set<End>>()

  get size(): number {
    return this.#ends.size
  }

  ids(): number[] {
    return [...this.#ends.keys()]
  }

  /** Resolves when the job has ended; rejects when the time is over, at an abort, or when all are refused. */
  wait(id: number, { timeout: asked, signal }: WaitOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      const timeout = timeoutOf(asked)
      signal?.throwIfAborted()
      let timer: NodeJS.Timeout | undefined
      const end = (error?: unknown) => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        const ends = this.#ends.get(id)
        ends?.delete(end)
        if (ends?.size === 0) this.#ends.delete(id)
        if (error === undefined) resolve()
        else reject(error)
      }
      const onAbort = () => end(signal?.reason ?? new Error('aborted'))
      signal?.addEventListener('abort', onAbort, { once: true })
      if (timeout !== undefined) {
        const message = `job ${id} has not finished in ${timeout} ms`
        timer = setTimeout(() => end(new JobslotError('ERR_JOBSLOT_TIMEOUT', message)), timeout)
      }
      const ends = this.#ends.get(id)
      if (ends) ends.add(end)
      else this.#ends.set(id, new Set([end]))
    })
  }

  ended(id: number): void {
    for (const end of [...(this.#ends.get(id) ?? [])]) end()
  }

  refuse(reason: unknown): void {
    for (const ends of [...this.#ends.values()]) for (const end of [...ends]) end(reason)
  }
}
