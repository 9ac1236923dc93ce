import { setImmediate as breathe } from 'node:timers/promises'
import type { Lines } from '../disk/disk.ts'
import { contentsOf, positionOf, snapshotName } from '../format/format.ts'
import { isFinished } from '../state/table.ts'
import { LineReader } from './line-reader.ts'
import type { Loaded } from './load.ts'

/** Where ids stand in a snapshot's lines. */
const ID = /^\{"id":(\d+),/

/**
 * Finds the texts of jobs in a new snapshot, so that the files which it stands for can be closed: until then they take
 * room on the disk, though they have no name any more.
 */
export async function relocate({ state, files }: Loaded, lines: Lines, snapshot: number): Promise<void> {
  const number = files.numberOf(snapshotName(snapshot))
  if (number === 0) return
  const kept = files.numbersWhere((name) => {
    const { segments, snapshots } = contentsOf([name])
    return [...segments, ...snapshots].some((found) => found >= snapshot)
  })
  const file = files.file(number)
  const size = file.size()
  const begin = positionOf(snapshot, 0)
  const reader = new LineReader(file, lines)
  const onLine = (json: string, offset: number, length: number) => {
    const id = ID.exec(json)?.[1]
    const { table } = state
    const row = id === undefined ? -1 : table.find(Number(id))
    if (row < 0) return
    // Nothing has happened to it since.
    if (table.changed[row]! < begin) table.changed[row] = 0
    if (isOld(table.file[row]!)) {
      table.file[row] = number
      table.offset[row] = offset
      table.length[row] = length
    }
    if (isFinished(table.phase[row]!) && isOld(table.endFile[row]!)) {
      table.endFile[row] = number
      table.endOffset[row] = offset
      table.endLength[row] = length
    }
  }
  // What was opened since is newer than the snapshot.
  const last = files.last
  const isOld = (of: number) => of > 0 && of <= last && !kept.has(of)
  while (reader.at < size) {
    if (reader.read(size, onLine) === 'broken') reader.skip(size)
    await breathe()
  }
  files.keep(
    usedBy(
      state,
      files.numbersWhere(() => true),
      isOld,
    ),
  )
}

/** All that are not old, and of the old ones those that damage has left in use. */
function usedBy({ table }: Loaded['state'], all: ReadonlySet<number>, isOld: (of: number) => boolean): Set<number> {
  const used = new Set([...all].filter((number) => !isOld(number)))
  for (let row = 0; row < table.count; row++) {
    used.add(table.file[row]!)
    used.add(table.endFile[row]!)
  }
  return used
}
