import { requireNone } from './calls/arguments.ts'
import type { Respond, RespondFailure } from './claims/responder.ts'
import { type Durable, withFolder } from './disk/folder.ts'
import { LockedLives } from './disk/lives.ts'
import { realLines } from './disk/real-disk.ts'
import { FolderWatch } from './disk/watch.ts'
import { JobStore } from './job-store.ts'
import { load } from './journal/load.ts'

/** Which store to open, and how this process is to use it. */
export interface OpenOptions {
  /** The store's folder, made where it does not exist; the folder above it must. */
  dir: string
  /**
   * `disk`, the default: what is answered is on disk. `os`: it is with the operating system, so that it outlives every
   * process, but a power cut may take the last seconds.
   */
  durability?: Durable | undefined
  /**
   * Ms after which a worker that shows no life loses what it has claimed: it is stopped, or runs no timers. A dead one loses
   * it at once. Default 30,000.
   */
  lease?: number | undefined
  /** Ms that a finished job is kept which says nothing about that, or Infinity. Default one day. */
  retention?: number | undefined
  /** Who this is, for people. Default nothing. */
  label?: string | undefined
  /** Tells the targets of a job that this store has brought to its end, before that is answered. */
  respond?: Respond | undefined
  /** Called when `respond` has failed; the targets stay. */
  onrespondfailure?: RespondFailure | undefined
}

const DEFAULT_LEASE_MS = 30_000
const DEFAULT_RETENTION_MS = 24 * 3_600_000

/** @throws JobslotError `ERR_JOBSLOT_STORE`, `ERR_JOBSLOT_STORE_BUSY`, `ERR_JOBSLOT_STORE_IO` */
export async function openStore(options: OpenOptions): Promise<JobStore> {
  if (typeof options?.dir !== 'string') throw new TypeError('a store needs { dir }, its folder')
  const {
    dir,
    durability = 'disk',
    lease = DEFAULT_LEASE_MS,
    retention = DEFAULT_RETENTION_MS,
    label = '',
    respond,
    onrespondfailure,
    ...rest
  } = options
  requireNone('a store', rest)
  if (!(lease >= 1)) throw new TypeError('lease must be a number of milliseconds from 1 on')
  if (!(retention >= 0)) throw new TypeError('retention must be a number of milliseconds from 0 on')
  return withFolder(dir, durability, async (disk, leave) => {
    const loaded = await load(disk, realLines)
    return new JobStore({
      disk,
      lines: realLines,
      lives: new LockedLives(disk, label, lease),
      watch: (onEvent) => new FolderWatch(disk, onEvent),
      loaded,
      synced: durability === 'disk',
      leaseMs: lease,
      retention,
      now: Date.now,
      pid: process.pid,
      respond,
      onrespondfailure,
      onclose: leave,
    })
  })
}
