import { randomInt } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { native } from '../../native/load.ts'
import { failed } from '../errors.ts'
import { objectOf } from '../format/line.ts'
import type { RealDisk } from './real-disk.ts'

/** Who of those that run jobs lives, and who shows it. */
export interface Lives {
  /** This worker's number, by which its claims name it. It is alive from now on. */
  readonly own: number
  /** Says that it is not only alive, but not stuck. */
  beat(): void
  leave(): void
  isAlive(worker: number): boolean
  /** Whether it has shown no life for longer than it said it would. */
  isOverdue(worker: number): boolean
  /** Of one who is dead: what it has left. */
  bury(worker: number): void
}

const RECORD = 256
const BEAT = 17

/** Lives as files that the kernel keeps locked: `worker-W`. The first use makes this process's. */
export class LockedLives implements Lives {
  readonly #disk: RealDisk
  readonly #label: string
  readonly #leaseMs: number
  #own = 0
  #fd = -1

  constructor(disk: RealDisk, label: string, leaseMs: number) {
    this.#disk = disk
    this.#label = label
    this.#leaseMs = leaseMs
  }

  get own(): number {
    if (this.#own === 0) this.#join()
    return this.#own
  }

  #join(): void {
    const number = randomInt(1, 2 ** 47)
    const fd = this.#disk.openOwn(nameOf(number))
    // Somebody may take a file that is not locked yet for one that a dead worker has left.
    if (native().lock(fd, 0, true) !== 0 || fstatSync(fd).nlink === 0) {
      closeSync(fd)
      this.#join()
      return
    }
    const who = { pid: process.pid, label: this.#label, since: Date.now(), lease: this.#leaseMs }
    const record = Buffer.alloc(RECORD, ' ')
    record.write(JSON.stringify(who))
    record[RECORD - 1] = 10
    try {
      writeSync(fd, record, 0, RECORD, 0)
    } catch (error) {
      removeIfThere(this.#disk.path(nameOf(number)))
      closeSync(fd)
      throw failed(this.#disk.dir, error)
    }
    this.#fd = fd
    this.#own = number
    leaveAtExit(this)
    this.beat()
  }

  beat(): void {
    if (this.#fd < 0) return
    writeSync(this.#fd, `${String(monotonic()).padStart(BEAT - 1, '0')}\n`, RECORD)
  }

  leave(): void {
    if (this.#fd < 0) return
    living.delete(this)
    removeIfThere(this.#disk.path(nameOf(this.#own)))
    closeSync(this.#fd)
    this.#fd = -1
    this.#own = 0
  }

  isAlive(worker: number): boolean {
    if (worker === this.#own) return true
    return this.#ask(
      worker,
      constants.O_RDONLY,
      { gone: false, unknown: true },
      (fd) => native().isLocked(fd, 0, true) === 1,
    )
  }

  isOverdue(worker: number): boolean {
    if (worker === this.#own) return false
    return this.#ask(worker, constants.O_RDONLY, { gone: false, unknown: false }, (fd) => {
      const text = Buffer.alloc(RECORD + BEAT)
      if (readSync(fd, text, 0, text.length, 0) < text.length) return false
      const lease = objectOf(text.toString('utf8', 0, RECORD))?.lease
      const beat = Number(text.toString('latin1', RECORD, RECORD + BEAT - 1))
      return typeof lease === 'number' && Number.isSafeInteger(beat) && monotonic() - beat > lease
    })
  }

  bury(worker: number): void {
    // Locked meanwhile: one that is just being made would be no file of a worker's any more.
    this.#ask(worker, constants.O_RDWR, { gone: false, unknown: false }, (fd) => {
      const isDead = native().lock(fd, 0, true) === 0
      if (isDead) removeIfThere(this.#disk.path(nameOf(worker)))
      return isDead
    })
  }

  /**
   * A look is for reading only: a file that was open for writing tells all who watch the folder when it is closed, and
   * they would look in turn, for ever. Who cannot look, as it has no descriptor left, knows nothing of the worker.
   */
  #ask(
    worker: number,
    access: number,
    { gone, unknown }: { gone: boolean; unknown: boolean },
    question: (fd: number) => boolean,
  ): boolean {
    let fd: number
    try {
      // What somebody else may have put there, a FIFO for one, must not keep us waiting.
      fd = openSync(this.#disk.path(nameOf(worker)), access | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    } catch (error) {
      return NOT_THERE.includes((error as NodeJS.ErrnoException).code ?? '') ? gone : unknown
    }
    try {
      return fstatSync(fd).isFile() ? question(fd) : gone
    } finally {
      closeSync(fd)
    }
  }
}

/** There is none of this name, or something that is no file. */
const NOT_THERE = ['ENOENT', 'ELOOP', 'ENXIO', 'EISDIR']

/** Those of this process, which may end without having closed its stores. */
const living = new Set<LockedLives>()
let listening = false

function leaveAtExit(lives: LockedLives): void {
  living.add(lives)
  if (listening) return
  listening = true
  process.on('exit', () => {
    for (const one of living) {
      try {
        one.leave()
      } catch {
        // Whoever compacts the store next finds it dead.
      }
    }
  })
}

const nameOf = (worker: number): string => `worker-${worker}`

/** Of a clock that all processes of the machine share, and that nobody sets. */
const monotonic = (): number => Math.round(Number(process.hrtime.bigint() / 1_000_000n))

function removeIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
