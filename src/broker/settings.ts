import { closeSync, constants, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { cpus } from 'node:os'
import { decodeDocument, encodeDocument } from '../document/format.ts'
import { JobslotError } from '../errors.ts'
import type { GovernorLimits } from '../governor/governor.ts'
import { stateDirError } from '../state-dir.ts'
import { isLimits, isSlots } from './messages.ts'
import type { PoolPlace } from './place.ts'

/** What a named pool has for good. */
export interface PoolSettings {
  /** Null: nobody has said, and it has as many as the host has CPUs. */
  slots: number | null
  limits: GovernorLimits
  /** No member has had a greater number. What an ended one left running carries its number, and it is given to no other. */
  lastId: number
}

/** Numbers begin anywhere: pools of one name in two state folders must not take each other's processes for their own. */
const newSettings = (): PoolSettings => ({ slots: null, limits: {}, lastId: Math.ceil(Math.random() * 999) * 1000 })

/**
 * A document of jobslot's (`openDocument` reads it), written by the broker alone.
 *
 * @throws JobslotError `ERR_JOBSLOT_POOL_SETTINGS` where it is none; `ERR_JOBSLOT_STATE_DIR`
 */
export function readSettings(place: PoolPlace): PoolSettings {
  return read(place).value
}

/** Slots of a pool with these settings. */
export function slotsOf({ slots }: PoolSettings): number {
  return slots ?? hostCpus()
}

/** Not those that this process may use: which members have is for their `max` to say. */
const hostCpus = () => Math.max(1, cpus().length)

/**
 * All of it or nothing. `durable`: also if the power fails, for what somebody has set.
 *
 * @throws JobslotError `ERR_JOBSLOT_STATE_DIR`
 */
export function writeSettings(place: PoolPlace, settings: PoolSettings, { durable }: { durable: boolean }): void {
  const bytes = encodeDocument(read(place).version + 1, JSON.stringify(settings))
  const fresh = `${place.settings}.jobslot-new`
  try {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
    rmSync(fresh, { force: true, recursive: true })
    const fd = openSync(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written)
      if (durable) fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(fresh, place.settings)
  } catch (error) {
    rmSync(fresh, { force: true, recursive: true })
    throw stateDirError(place.settings, error)
  }
}

function read(place: PoolPlace): { version: number; value: PoolSettings } {
  let bytes: Buffer
  try {
    const fd = openSync(place.settings, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    try {
      bytes = readFileSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { version: 0, value: newSettings() }
    throw stateDirError(place.settings, error)
  }
  const found = decodeDocument(bytes)
  if ('problem' in found) throw damaged(place, found.problem)
  const { slots, limits, lastId } = (found.value ?? {}) as Partial<Record<keyof PoolSettings, unknown>>
  if (!(slots === null || isSlots(slots)) || !isLimits(limits) || !Number.isSafeInteger(lastId)) {
    throw damaged(place, 'it says something else')
  }
  return { version: found.version, value: { slots, limits, lastId: lastId as number } }
}

function damaged({ name, settings }: PoolPlace, why: string): JobslotError {
  return new JobslotError(
    'ERR_JOBSLOT_POOL_SETTINGS',
    `the settings of pool ${JSON.stringify(name)} in ${settings} cannot be read: ${why}; remove the file, and set the pool's size again`,
  )
}
