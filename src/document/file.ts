import { constants, existsSync, type Stats, unlinkSync } from 'node:fs'
import { lstat, open, readlink, realpath } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { JobslotError } from '../errors.ts'
import { tryLockFile } from '../lock/acquire.ts'
import { closeIdle } from '../lock/handle.ts'
import { cannotRead, notADocument } from './errors.ts'
import { newFileOf } from './replace-file.ts'

/** The lock of those who write a document. Not `.lock`: an empty file of that name is many another program's lock. */
export function lockFileOf(path: string): string {
  return `${path}.jobslot-lock`
}

/** Null where there is no file. */
export async function readWhole(path: string): Promise<{ bytes: Buffer; file: Stats } | null> {
  try {
    // O_NONBLOCK: what others may have put there, a FIFO for one, must not keep us waiting.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
    try {
      const file = await handle.stat()
      if (!file.isFile()) throw notADocument(path, 'it is no regular file')
      return { bytes: await handle.readFile(), file }
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof JobslotError) throw error
    if (codeOf(error) === 'ENOENT') return null
    throw cannotRead(path, error)
  }
}

/**
 * Where the file lies or will lie: a link at `path` leads there, so that a write replaces what the link names and not the
 * link, and all who write lock the same file.
 */
export async function resolved(path: string): Promise<string> {
  let at = resolve(path)
  try {
    for (let links = 0; links <= 40; links++) {
      const folder = await realpath(dirname(at))
      at = join(folder, basename(at))
      if (!(await isLink(at))) return at
      at = resolve(folder, await readlink(at))
    }
  } catch (error) {
    if (error instanceof JobslotError) throw error
    throw cannotRead(at, error)
  }
  throw notADocument(path, 'it is a link that leads to no end')
}

async function isLink(path: string): Promise<boolean> {
  try {
    const found = await lstat(path)
    if (!found.isFile() && !found.isSymbolicLink()) throw notADocument(path, 'it is no regular file')
    return found.isSymbolicLink()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

/** What a process left that died while it wrote. Whoever may not remove it may still read; a writer does remove it. */
export function cleanUp(path: string): void {
  const newFile = newFileOf(path)
  if (!existsSync(newFile) && !existsSync(lockFileOf(path))) return
  try {
    const lock = tryLockFile(lockFileOf(path))
    // Held: the file is one that is being written.
    if (!lock) return
    try {
      if (existsSync(newFile)) unlinkSync(newFile)
    } finally {
      lock.release()
      // Not kept for the next time: who only reads leaves nothing beside the document.
      closeIdle(lockFileOf(path))
    }
  } catch {
    // The next write says what is wrong.
  }
}

const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code
