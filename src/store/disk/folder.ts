import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { JobslotError } from '../../errors.ts'
import { monotonicMs } from '../clock.ts'
import { failed, unusable } from '../errors.ts'
import { joinOwners, ownRealm } from './owner.ts'
import { RealDisk } from './real-disk.ts'

/** When a call is answered: when it is on disk, or when the operating system has it. See `OpenOptions`. */
export type Durable = 'disk' | 'os'

const FIRST_PATIENCE_MS = 10_000

/**
 * Makes the folder where there is none, and joins those who have it open: until `leave` is called, or `use` fails.
 *
 * @throws JobslotError `ERR_JOBSLOT_STORE`, `ERR_JOBSLOT_STORE_BUSY`, `ERR_JOBSLOT_STORE_IO`
 */
export async function withFolder<T>(
  path: string,
  durability: Durable,
  use: (disk: RealDisk, leave: () => void) => Promise<T>,
): Promise<T> {
  if (typeof path !== 'string' || path === '') throw new TypeError('dir must be the path of a folder')
  if (durability !== 'disk' && durability !== 'os') {
    throw new TypeError(`durability must be 'disk' or 'os', not ${String(durability)}`)
  }
  const dir = resolve(path)
  makeFolder(dir)
  const realm = ownRealm()
  let disk: RealDisk | undefined
  let owner: Disposable | undefined
  try {
    disk = await openDisk(dir, realm.boot)
    owner = await joinOwners(disk, realm)
    return await use(disk, () => owner?.[Symbol.dispose]())
  } catch (error) {
    owner?.[Symbol.dispose]()
    disk?.close()
    throw error instanceof JobslotError || error instanceof TypeError ? error : failed(dir, error)
  }
}

/** Several may be the first since the machine started, and one of them prepares the mark: that is waited for. */
async function openDisk(dir: string, boot: string): Promise<RealDisk> {
  for (const begin = monotonicMs(); ; await sleep(10)) {
    try {
      return new RealDisk(dir, boot)
    } catch (error) {
      const isBusy = error instanceof JobslotError && error.code === 'ERR_JOBSLOT_STORE_BUSY'
      if (!isBusy || monotonicMs() - begin > FIRST_PATIENCE_MS) throw error
    }
  }
}

function makeFolder(dir: string): void {
  try {
    // Not `recursive`: in a folder that takes no entries, /proc for one, Node's tries for ever.
    mkdirSync(dir)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') throw unusable(dir, 'the folder in which it is to be made is not there', cause)
    const cure = code === 'EACCES' ? `: this user may not write into ${dirname(dir)}` : ''
    if (code !== 'EEXIST') throw unusable(dir, `it cannot be made (${code})${cure}`, cause)
  }
  if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) throw unusable(dir, 'it is no folder')
}
