import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { Ledger } from '../account/ledger.ts'
import { isRead } from '../pool/fifo-place.ts'
import { MEMBER_VARIABLE, memberOf, STARTED_BY_VARIABLE } from '../pool/marks.ts'
import { readProcess } from '../proc.ts'
import { hasOpenFifo } from './folder.ts'
import { ledgerOf, type PoolPlace } from './place.ts'

/**
 * Whether anything of a pool without a broker lives: a FIFO of it is open somewhere, a process carries the mark of a
 * member, or a slot is held for one that does not (`acquire --for`). Only for who has the lock of the pool's broker. A member of another PID namespace that has neither cannot be seen; while it is alive it starts a broker.
 */
export function isInUse(place: PoolPlace): boolean {
  return hasOpenFifo(place, isRead) || hasLivingMember(place) || hasMarked(place.mark)
}

/** What cannot be read names nobody. */
function hasLivingMember(place: PoolPlace): boolean {
  const path = ledgerOf(place)
  if (!existsSync(path)) return false
  let ledger: Ledger | undefined
  try {
    ledger = Ledger.open(path, { pool: place.mark })
    return ledger.records().some(({ record }) => {
      return record !== null && (lives(record.pid, record.startTime) || lives(record.commandPid, record.commandStart))
    })
  } catch {
    return false
  } finally {
    ledger?.close()
  }
}

function lives(pid: number | null, startTime: string | null): boolean {
  const entry = pid === null ? null : readProcess(pid)
  return entry !== null && !entry.ended && entry.startTime === startTime
}

/** Of any member: what is written of them cannot be read, so that nobody knows their numbers. */
function hasMarked(mark: string): boolean {
  return processes().some((pid) => {
    const env = environmentOf(pid)
    // Pools of another state folder may have the same names.
    const isMarked = (variable: string) => memberOf(env[variable], mark) !== null
    return env.JOBSLOT_DIR === process.env.JOBSLOT_DIR && [MEMBER_VARIABLE, STARTED_BY_VARIABLE].some(isMarked)
  })
}

function processes(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
  } catch {
    return []
  }
}

function environmentOf(pid: string): NodeJS.ProcessEnv {
  try {
    const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
    return Object.fromEntries(
      variables.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
    )
  } catch {
    // It has ended, or is another user's.
    return {}
  }
}
