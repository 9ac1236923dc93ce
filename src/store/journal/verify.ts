import { setImmediate as breathe } from 'node:timers/promises'
import type { Disk, Lines } from '../disk/disk.ts'
import { State } from '../state/state.ts'
import { FULFILLED, isThere } from '../state/table.ts'
import { Files } from './files.ts'
import type { Damage } from './journal.ts'
import { loadInto } from './load.ts'
import { endLineOf } from './stored-lines.ts'
import { readValue } from './value.ts'

/** What `verify` has found. */
export interface Report {
  /** Nothing is damaged, and nothing is lost. */
  ok: boolean
  /** How many jobs there are. */
  jobs: number
  /** Parts of files that cannot be read. */
  damage: Damage[]
  /** Lines that are lost. */
  missing: number
  /** Lines that make no sense, as one before them is lost. */
  impossible: number
  /** The ids of fulfilled jobs whose value cannot be read. */
  values: number[]
}

/** Reads all there is, beside those who use it. */
export async function verify(disk: Disk, lines: Lines, signal?: AbortSignal): Promise<Report> {
  for (;;) {
    signal?.throwIfAborted()
    const files = new Files(disk, lines)
    try {
      const state = new State()
      const journal = await loadInto(disk, lines, files, state, true)
      // Compacted meanwhile.
      if (!journal) continue
      const values = await unreadable(disk, state, files)
      const { damage, missing } = journal
      const { impossible } = state
      const ok = damage.length + missing + impossible + values.length === 0
      return { ok, jobs: state.table.live, damage: [...damage], missing, impossible, values }
    } finally {
      files.keep(new Set())
    }
  }
}

async function unreadable(disk: Disk, state: State, files: Files): Promise<number[]> {
  const { table } = state
  const found: number[] = []
  for (let row = 0; row < table.count; row++) {
    if (row % 1000 === 999) await breathe()
    if (!isThere(table.phase[row]!) || table.phase[row] !== FULFILLED) continue
    try {
      readValue(disk, endLineOf(state, files, row))
    } catch {
      found.push(table.id[row]!)
    }
  }
  return found
}
