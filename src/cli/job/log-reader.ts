import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { JobslotError } from '../../errors.ts'

const CHUNK = 1 << 16

/** What is written to a log, as it comes. It may not be there yet. */
export class LogReader implements Disposable {
  readonly path: string
  readonly #chunk = Buffer.allocUnsafe(CHUNK)
  #fd = -1
  #at = 0

  constructor(path: string) {
    this.path = path
  }

  get isThere(): boolean {
    if (this.#fd < 0) this.#open()
    return this.#fd >= 0
  }

  /** What has come since; null where there is no more for now. It counts until the next call. */
  next(): Buffer | null {
    if (!this.isThere) return null
    // Whoever empties it begins it anew.
    if (fstatSync(this.#fd).size < this.#at) this.#at = 0
    const length = readSync(this.#fd, this.#chunk, 0, CHUNK, this.#at)
    this.#at += length
    return length > 0 ? this.#chunk.subarray(0, length) : null
  }

  [Symbol.dispose](): void {
    if (this.#fd >= 0) closeSync(this.#fd)
    this.#fd = -1
  }

  /** @throws JobslotError `ERR_JOBSLOT_STORE_IO` */
  #open(): void {
    try {
      // A pipe, which `--log` may name as well, would hold up who opens it.
      this.#fd = openSync(this.path, constants.O_RDONLY | constants.O_NONBLOCK)
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      if (code === 'ENOENT') return
      throw new JobslotError('ERR_JOBSLOT_STORE_IO', `the log ${this.path} cannot be read (${code})`, { cause })
    }
    if (fstatSync(this.#fd).isFile()) return
    this[Symbol.dispose]()
    throw new JobslotError('ERR_JOBSLOT_STORE_IO', `the log ${this.path} cannot be read: it is no file`)
  }
}
