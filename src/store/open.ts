import { mkdirSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { JobslotError } from '../errors.ts'
import { failed, unusable } from './errors.ts'
import { JobStore, type Respond } from './job-store.ts'
import { LockedLives } from './lives.ts'
import { load } from './load.ts'
import type { Notification } from './notification.ts'
import { joinOwners, ownRealm } from './owner.ts'
import { RealDisk, realLines } from './real-disk.ts'
import { FolderWatch } from './watch.ts'

export interface OpenOptions {
  /** The store's folder, made where it does not exist. */
  dir: string
  /**
   * `disk`, the default: what is answered is on disk. `os`: it is with the operating system, so that it outlives every
   * process, but a power cut may take the last seconds.
   */
  durability?: 'disk' | 'os'
  /** Ms after which a worker that shows no life loses what it has claimed. A dead one does so at once. Default 30 s. */
  lease?: number
  /** Ms that a finished job is kept which says nothing about that. Default one day. */
  retention?: number
  /** Who this is, for people. */
  label?: string
  /** Tells the targets of a job that this store has brought to its end, before that is answered. */
  respond?: Respond
  /** `respond` has failed; the targets stay. */
  onrespondfailure?: (error: unknown, notification: Notification) => void
}

const DEFAULT_LEASE_MS = 30_000
const DEFAULT_RETENTION_MS = 24 * 3_600_000

/** @throws JobslotError `ERR_JOBSLOT_STORE`, `ERR_JOBSLOT_STORE_BUSY`, `ERR_JOBSLOT_STORE_IO` */
export async function openStore(options: OpenOptions): Promise<JobStore> {
  const {
    durability = 'disk',
    lease = DEFAULT_LEASE_MS,
    retention = DEFAULT_RETENTION_MS,
    label = '',
    respond,
    onrespondfailure,
  } = options
  if (typeof options.dir !== 'string' || options.dir === '') throw new TypeError('dir must be the path of a folder')
  if (durability !== 'disk' && durability !== 'os')
    throw new TypeError(`durability must be 'disk' or 'os', not ${durability}`)
  if (!(lease >= 1)) throw new TypeError('lease must be a number of milliseconds from 1 on')
  const dir = resolve(options.dir)
  if (!(retention >= 0)) throw new TypeError('retention must be a number of milliseconds from 0 on')
  makeFolder(dir)
  const realm = ownRealm()
  let disk: RealDisk | undefined
  let owner: Disposable | undefined
  try {
    disk = new RealDisk(dir, realm.boot)
    owner = await joinOwners(disk, realm)
    const loaded = await load(disk, realLines)
    const real = disk
    const mine = owner
    return new JobStore({
      disk,
      lines: realLines,
      lives: new LockedLives(disk, label, lease),
      watch: (onEvent) => new FolderWatch(real, onEvent),
      loaded,
      synced: durability === 'disk',
      leaseMs: lease,
      retention,
      now: Date.now,
      respond,
      onrespondfailure,
      onclose: () => mine[Symbol.dispose](),
    })
  } catch (error) {
    owner?.[Symbol.dispose]()
    disk?.close()
    throw error instanceof JobslotError ? error : failed(dir, error)
  }
}

function makeFolder(dir: string): void {
  try {
    // Not `recursive`: in a folder that takes no entries, /proc for one, Node's tries for ever.
    mkdirSync(dir)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') throw unusable(dir, 'the folder in which it is to be made is not there', cause)
    if (code !== 'EEXIST') throw unusable(dir, `it cannot be made (${code})`, cause)
  }
  if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) throw unusable(dir, 'it is no folder')
}
