import { closeSync, constants, fstatSync, mkdirSync, openSync, rmdirSync, statSync, unlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { mkfifo, poll } from '../fd.ts'
import { native } from '../native/load.ts'
import { checked, EAGAIN } from '../native/system-error.ts'
import { stateDirError } from '../state-dir.ts'

const HELD = 0
const LENT = 1
const BORROWED = 2

/**
 * An exclusive lock that the kernel frees with its holder, and whose end can be waited for together with other things.
 *
 * The file is a FIFO, locked through a description open for writing. When the holder leaves or dies, the kernel first
 * drops the lock and then reports the hang-up to whoever has the FIFO open for reading. A reader that opened it while
 * no writer had it gets no hang-up, so it asks the lock once more after opening.
 *
 * A second byte of the file is locked, shared, by those who lend what the lock stands for, a third by the holder who has
 * borrowed it (`collect.ts`).
 */
export class FifoLock {
  readonly path: string
  #held = -1
  #lent = -1

  constructor(path: string) {
    this.path = path
  }

  get isHeld(): boolean {
    return this.#held >= 0
  }

  tryLock(): boolean {
    if (this.#held >= 0) return true
    for (;;) {
      const fd = this.#open(constants.O_RDWR)
      let locked = false
      try {
        const result = native().lock(fd, HELD, true)
        if (result === -EAGAIN) return false
        checked(result, 'fcntl(F_OFD_SETLK)', this.path)
        locked = this.#isCurrent(fd)
      } finally {
        if (!locked) closeSync(fd)
      }
      if (locked) {
        this.#held = fd
        return true
      }
    }
  }

  /** Waits for the lock without CPU. @throws the signal's reason */
  async lock(signal: AbortSignal): Promise<void> {
    for (;;) {
      const reader = this.#open(constants.O_RDONLY)
      try {
        if (this.tryLock()) return
        await poll(reader, 'read', { signal })
      } finally {
        closeSync(reader)
      }
    }
  }

  /** Declares that others may take the lock for themselves until `takeBack`, or the death of this process. */
  lend(): void {
    while (this.#lent < 0) {
      // Not for writing: a writer would hide the holder's hang-up.
      const fd = this.#open(constants.O_RDONLY)
      const result = native().lock(fd, LENT, false)
      if (result === 0 && this.#isCurrent(fd)) this.#lent = fd
      else closeSync(fd)
      if (result !== -EAGAIN) checked(result, 'fcntl(F_OFD_SETLK)', this.path)
    }
  }

  takeBack(): void {
    if (this.#lent < 0) return
    closeSync(this.#lent)
    this.#lent = -1
    // Nobody else may come to remove the file.
    if (!this.isHeld && this.tryLock()) this.unlock()
  }

  /** Whether some living process lends it. */
  isLent(): boolean {
    return this.#isLocked(LENT)
  }

  /** Declares that the holder is none of those whom the lock is for. */
  markBorrowed(): void {
    checked(native().lock(this.#held, BORROWED, true), 'fcntl(F_OFD_SETLK)', this.path)
  }

  isBorrowed(): boolean {
    return this.#isLocked(BORROWED)
  }

  #isLocked(byte: number): boolean {
    let fd: number
    try {
      fd = openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK)
    } catch {
      return false
    }
    try {
      return native().isLocked(fd, byte, true) === 1
    } finally {
      closeSync(fd)
    }
  }

  unlock(): void {
    if (this.#held < 0) return
    this.#remove()
    closeSync(this.#held)
    this.#held = -1
  }

  /** While both bytes are locked, so that nobody can be waiting on a file that is no longer there. */
  #remove(): void {
    if (native().lock(this.#held, LENT, true) !== 0) return
    // A cleaner of /tmp may have been here, and the file of that name be another's by now.
    if (!this.#isCurrent(this.#held)) return
    try {
      unlinkSync(this.path)
      rmdirSync(dirname(this.path))
    } catch {
      // Others are in it.
    }
  }

  #isCurrent(fd: number): boolean {
    try {
      return statSync(this.path).ino === fstatSync(fd).ino
    } catch {
      return false
    }
  }

  #open(access: number): number {
    for (let tries = 0; ; tries++) {
      try {
        return openSync(this.path, access | constants.O_NONBLOCK)
      } catch (error) {
        if (!hasCode(error, 'ENOENT') || tries > 1000) throw stateDirError(this.path, error)
      }
      const folder = dirname(this.path)
      // Another process may be faster, or has just removed the empty folder: then all is tried again.
      tryTo(() => mkdirSync(dirname(folder), { mode: 0o700 }), this.path)
      tryTo(() => mkdirSync(folder, { mode: 0o700 }), this.path)
      tryTo(() => mkfifo(this.path), this.path)
    }
  }
}

function tryTo(make: () => void, path: string): void {
  try {
    make()
  } catch (error) {
    if (!hasCode(error, 'EEXIST') && !hasCode(error, 'ENOENT')) throw stateDirError(path, error)
  }
}

function hasCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code
}
