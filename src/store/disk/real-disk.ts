import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  fsync,
  linkSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
} from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { JobslotError } from '../../errors.ts'
import { APPEND_DONE, JOURNAL_BUSY, JOURNAL_REMOTE } from '../../native/binding.ts'
import { native } from '../../native/load.ts'
import { checked } from '../../native/system-error.ts'
import { busy, unusable } from '../errors.ts'
import type { Appender, Disk, Lines, ReadFile } from './disk.ts'

/** The bytes of the file `lock`. */
const COMPACTION_BYTE = 2

export const realLines: Lines = {
  whole: (bytes, from, to) => checked(native().wholeLines(bytes, from, to), 'read'),
  stamp: (bytes, length) => {
    checked(native().stampLines(bytes, length), 'write')
  },
}

/**
 * The folder `dir`, which exists.
 *
 * @param boot tells this run of the machine from others
 * @throws JobslotError `ERR_JOBSLOT_STORE`, `ERR_JOBSLOT_STORE_BUSY`; a system error
 */
export class RealDisk implements Disk {
  readonly dir: string
  readonly appender: Appender
  readonly handle: number
  readonly #mode: number
  readonly #lock: string

  constructor(dir: string, boot: string) {
    this.dir = dir
    this.#mode = statSync(dir).mode & 0o666
    const own = ['lock', 'mark']
    const made = own.filter((name) => !existsSync(this.path(name)))
    for (const name of own) closeSync(this.openOwn(name))
    this.#lock = identityOf(statSync(this.path('lock')))
    this.handle = native().openJournal(dir, boot)
    if (this.handle === JOURNAL_REMOTE) {
      for (const name of made) this.remove(name)
      throw unusable(dir, 'it is on a network file system, where locks do not reach every host: use a local disk')
    }
    if (this.handle === JOURNAL_BUSY) throw busy(dir, 0, false)
    checked(this.handle, 'open', dir)
    this.appender = appenderOf(dir, this.handle)
  }

  names(): string[] {
    return readdirSync(this.dir)
  }

  open(name: string): ReadFile | null {
    try {
      return readFileOf(this.#openFile(name, constants.O_RDONLY))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
  }

  async make(
    name: string,
    write: (append: (bytes: Buffer) => Promise<void>) => Promise<void>,
    replace = false,
  ): Promise<boolean> {
    const unfinished = this.path(`new-${process.pid}-${Math.floor(Math.random() * 2 ** 48).toString(16)}`)
    const made = await this.#write(unfinished, write, () => {
      if (replace) renameSync(unfinished, this.path(name))
      else if (!linked(unfinished, this.path(name))) return false
      return true
    })
    await this.syncFolder()
    return made
  }

  /** Writes the new file, syncs it, has it put in place, and leaves none of its first name. */
  async #write(
    path: string,
    write: (append: (bytes: Buffer) => Promise<void>) => Promise<void>,
    place: () => boolean,
  ): Promise<boolean> {
    // It takes longer to load than a job to add, which makes no file.
    const { open } = await import('node:fs/promises')
    let file: FileHandle | undefined
    try {
      file = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, this.#mode)
      await file.chmod(this.#mode)
      const { appendFile } = file
      await write((bytes) => appendFile.call(file, bytes))
      await file.sync()
      return place()
    } finally {
      await file?.close()
      removeIfThere(path)
    }
  }

  async syncFolder(): Promise<void> {
    const folder = openSync(this.dir, constants.O_RDONLY | constants.O_DIRECTORY)
    try {
      await promisify(fsync)(folder)
    } finally {
      closeSync(folder)
    }
  }

  remove(name: string): void {
    removeIfThere(this.path(name))
  }

  lockCompaction(): Disposable | null {
    const fd = this.openOwn('lock')
    if (identityOf(fstatSync(fd)) !== this.#lock) {
      closeSync(fd)
      // What it would remove may be another store's.
      throw Object.assign(new Error('the store was removed or replaced'), { code: 'ENOENT' })
    }
    const locked = native().lock(fd, COMPACTION_BYTE, true) === 0
    if (!locked) closeSync(fd)
    return locked ? { [Symbol.dispose]: () => closeSync(fd) } : null
  }

  close(): void {
    native().closeJournal(this.handle)
  }

  path(name: string): string {
    return join(this.dir, name)
  }

  /** Opens a file of the store's own for reading and writing, and makes it where there is none. */
  openOwn(name: string): number {
    const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
    try {
      return this.#openFile(name, O_RDWR)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    try {
      const fd = openSync(this.path(name), O_RDWR | O_NOFOLLOW | O_CREAT | O_EXCL, this.#mode)
      fchmodSync(fd, this.#mode)
      return fd
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      return this.#openFile(name, O_RDWR)
    }
  }

  /** What somebody else may have put there, a FIFO for one, must not keep us waiting. */
  #openFile(name: string, access: number): number {
    const { O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants
    let fd: number
    try {
      fd = openSync(this.path(name), access | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (['ELOOP', 'EISDIR', 'ENXIO'].includes(code)) throw this.#noFile(name)
      throw error
    }
    if (fstatSync(fd).isFile()) return fd
    closeSync(fd)
    throw this.#noFile(name)
  }

  #noFile(name: string): JobslotError {
    return unusable(this.dir, `${name} is no regular file, and so not the store's: move it away`)
  }
}

const identityOf = ({ dev, ino }: Stats): string => `${dev}:${ino}`

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function readFileOf(fd: number): ReadFile {
  return {
    size: () => fstatSync(fd).size,
    read(into, at, length) {
      let done = 0
      while (done < length) {
        const read = readSync(fd, into, done, length - done, at + done)
        if (read === 0) break
        done += read
      }
      return done
    },
    close: () => closeSync(fd),
  }
}

function appenderOf(dir: string, handle: number): Appender {
  const binding = native()
  return {
    use: (name, segment) => {
      checked(binding.useSegment(handle, join(dir, name), segment), 'open', join(dir, name))
    },
    append: (lines, length, expected) => checked(binding.appendJournal(handle, lines, length, expected), 'write'),
    cut: (at) => checked(binding.cutJournal(handle, at), 'ftruncate'),
    size: () => checked(binding.journalSize(handle), 'stat'),
    durable: () => binding.journalDurable(handle),
    vouch: (position) => {
      binding.vouchJournal(handle, position)
    },
    sync: (target) =>
      new Promise((resolve, reject) => {
        const settle = (outcome: number) => {
          try {
            checked(outcome, 'fdatasync')
            resolve()
          } catch (error) {
            reject(error)
          }
        }
        const started = binding.syncJournal(handle, target, settle)
        if (started < 0) settle(started)
      }),
    syncNow: (target) => binding.syncJournalNow(handle, target) === APPEND_DONE,
    holder: () => binding.journalHolder(handle),
  }
}
