import { closeSync, ftruncateSync, readFileSync, readlinkSync, readSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { native } from '../../native/load.ts'
import { monotonicMs } from '../clock.ts'
import { unusable } from '../errors.ts'
import { objectOf } from '../format/line.ts'
import type { RealDisk } from './real-disk.ts'

/** Of the file `lock`. */
const OWNER_BYTE = 3
const MOST_TRIES = 100
const LONGEST_WRITE_MS = 20_000

/** The run of the machine, and the PID namespace, in which a store's processes see each other. */
export interface Realm {
  boot: string
  pidNamespace: string
}

export function ownRealm(): Realm {
  return { boot: textOf('/proc/sys/kernel/random/boot_id'), pidNamespace: linkOf('/proc/self/ns/pid') }
}

/**
 * Joins those who have the store open; disposing leaves them.
 *
 * @throws JobslotError `ERR_JOBSLOT_STORE` where it is open in another realm: pids mean nothing there
 */
export async function joinOwners(disk: RealDisk, realm: Realm): Promise<Disposable> {
  const fd = disk.openOwn('lock')
  const lock = (exclusive: boolean) => native().lock(fd, OWNER_BYTE, exclusive) === 0
  const deadline = monotonicMs() + LONGEST_WRITE_MS
  for (let tries = 0; tries < MOST_TRIES && monotonicMs() < deadline; ) {
    // Whoever has it shared keeps the text as it is.
    if (isSame(textIn(fd), realm) && lock(false)) {
      if (isSame(textIn(fd), realm)) return { [Symbol.dispose]: () => closeSync(fd) }
      native().unlock(fd, OWNER_BYTE)
    }
    if (lock(true)) {
      ftruncateSync(fd, 0)
      writeSync(fd, `${JSON.stringify(realm)}\n`, 0)
      lock(false)
      continue
    }
    // Who is just writing the text is not yet a sign of another realm, however long the machine makes that last.
    if (native().isLocked(fd, OWNER_BYTE, false) !== 1) tries++
    await sleep(5)
  }
  closeSync(fd)
  const where = 'in another PID namespace or on another host'
  throw unusable(
    disk.dir,
    `it is open ${where}, whose processes cannot be told from dead ones here: close it there first`,
  )
}

function isSame(text: string, realm: Realm): boolean {
  const found = objectOf(text)
  return found !== null && found.boot === realm.boot && found.pidNamespace === realm.pidNamespace
}

function textIn(fd: number): string {
  const bytes = Buffer.alloc(512)
  return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, 0))
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
