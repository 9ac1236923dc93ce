import { setTimeout as sleep } from 'node:timers/promises'
import { isStopped } from '../../proc.ts'
import { monotonicMs } from '../clock.ts'
import type { Disk } from '../disk/disk.ts'
import { busy } from '../errors.ts'

/** How long a process may be in the midst of an append: of a stopped one, that it takes to be sure; of another. */
const STOPPED_PATIENCE_MS = 300
const BUSY_PATIENCE_MS = 20_000

/** Waits that follow each other this closely are one. */
const SAME_WAIT_MS = 1000
const LONGEST_PAUSE_MS = 16

/** Waits for another process that is in the midst of an append, or was when it was stopped. */
export class AppenderWait {
  readonly #disk: Disk
  #begin = 0
  #last = Number.NEGATIVE_INFINITY

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /**
   * Resolves when the lock is worth another try. Who is said to have it may be dead by now, so that comes in any case.
   *
   * @throws JobslotError `ERR_JOBSLOT_STORE_BUSY` where it takes too long, all tries together
   */
  async wait(): Promise<void> {
    const { appender, dir } = this.#disk
    if (monotonicMs() - this.#last > SAME_WAIT_MS) this.#begin = monotonicMs()
    const pid = appender.holder()
    for (let pause = 1; pause <= LONGEST_PAUSE_MS; pause *= 2) {
      await sleep(pause)
      this.#last = monotonicMs()
      const waited = this.#last - this.#begin
      const stopped = pid > 0 && waited > STOPPED_PATIENCE_MS && appender.holder() === pid && isStopped(pid)
      if (stopped || waited > BUSY_PATIENCE_MS) {
        this.#last = Number.NEGATIVE_INFINITY
        throw busy(dir, pid, stopped)
      }
      if (pid === 0 || appender.holder() !== pid) return
    }
  }
}
