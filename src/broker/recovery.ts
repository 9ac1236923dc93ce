import { rmSync } from 'node:fs'
import { Ledger, type LedgerEntry, type LedgerRecord } from '../account/ledger.ts'
import { JobslotError } from '../errors.ts'
import type { GovernorLimits } from '../governor/governor.ts'
import type { MemberFifo } from '../pool/fifo-place.ts'
import { PoolOwner } from '../pool/owner.ts'
import { fixedSource } from '../pool/source.ts'
import { makeFolder, openFifo, poolFifos, removeFolder } from './folder.ts'
import { isInUse } from './in-use.ts'
import { fifoOf, ledgerOf, type PoolPlace } from './place.ts'
import { type PoolSettings, readSettings, slotsOf, writeSettings } from './settings.ts'

/** So many numbers are marked as used at once: a kill costs the rest of them, and no write for each member is needed. */
const ID_BLOCK = 1000

/** A named pool with its owner, and with what an earlier broker left of it. */
export interface Opened {
  owner: PoolOwner
  readonly slots: number
  /** Whether anybody has ever said how many slots it has. */
  readonly isSized: boolean
  /** Members taken over for which nobody has spoken yet. */
  unclaimed: Map<number, LedgerRecord>
  save(settings: { slots?: number; limits?: GovernorLimits }): void
  /** The process ends: removes the folder where it has no members. */
  end(): void
}

/**
 * Only for who has the lock of the pool's broker. What a killed broker wrote down is counted before anything is
 * granted.
 *
 * @throws JobslotError `ERR_JOBSLOT_STATE_DIR`, `ERR_JOBSLOT_POOL_SETTINGS`, `ERR_JOBSLOT_LEDGER`
 */
export function openKept(place: PoolPlace): Opened {
  let settings = readSettings(place)
  makeFolder(place)
  const { ledger, entries } = openLedger(place)
  const firstId = settings.lastId + 1
  const save = (change: Partial<PoolSettings>, durable: boolean) => {
    const next = { ...settings, ...change }
    writeSettings(place, next, { durable })
    settings = next
  }
  save({ lastId: settings.lastId + ID_BLOCK }, false)
  const { name, mark } = place
  const owner = new PoolOwner({
    ...{ name, mark, ledger, firstId },
    source: fixedSource(slotsOf(settings)),
    fifos: poolFifos(place),
    limits: settings.limits,
  })
  const unclaimed = new Map<number, LedgerRecord>()
  for (const { index, granted, record } of entries) {
    if (record.heldBack === null) unclaimed.set(record.id, record)
    const fifo = record.fifo === null || record.heldBack !== null ? null : fifoFor(place, record.id)
    owner.adopt({ index, granted, record }, fifo)
  }
  return {
    owner,
    unclaimed,
    get slots() {
      return slotsOf(settings)
    },
    get isSized() {
      return settings.slots !== null
    },
    save(change) {
      save(change, true)
    },
    end() {
      if (owner.size === 0) removeFolder(place)
      try {
        save({ lastId: owner.lastId }, false)
      } catch {
        // Then the rest of the block is left out.
      }
    },
  }
}

/** One whose path was removed has its tokens in the hands of those who have it open: they count as held. */
function fifoFor(place: PoolPlace, id: number): MemberFifo {
  const fd = openFifo(place, id)
  return fd === null ? poolFifos(place).make(id) : { path: fifoOf(place, id), fd }
}

function openLedger(place: PoolPlace): { ledger: Ledger; entries: SoundEntry[] } {
  const path = ledgerOf(place)
  // Names may be longer than there is room for.
  const pool = place.mark
  try {
    const ledger = Ledger.open(path, { pool })
    const entries = ledger.records()
    if (entries.every(isSound)) return { ledger, entries }
    ledger.close()
  } catch (error) {
    if ((error as JobslotError).code !== 'ERR_JOBSLOT_LEDGER' || isInUse(place)) throw error
  }
  if (isInUse(place)) throw damaged(place)
  // Nobody is left of those who stand in it.
  rmSync(path, { force: true })
  return { ledger: Ledger.open(path, { pool }), entries: [] }
}

type SoundEntry = LedgerEntry & { record: LedgerRecord }
const isSound = (entry: LedgerEntry): entry is SoundEntry => entry.record !== null

function damaged(place: PoolPlace): JobslotError {
  return new JobslotError(
    'ERR_JOBSLOT_LEDGER',
    `the account of pool ${JSON.stringify(place.name)} is damaged, and commands of the pool still run: wait until they ` +
      `have ended, or end them`,
  )
}
