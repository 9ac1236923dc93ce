import { hasEnded } from '../../proc.ts'
import type { Disk, Lines } from '../disk/disk.ts'
import type { Lives } from '../disk/lives.ts'
import { Ask } from '../engine/ask.ts'
import type { Engine } from '../engine/engine.ts'
import { forget } from '../engine/operations.ts'
import { failed } from '../errors.ts'
import { type Contents, contentsOf, segmentName, snapshotName } from '../format/format.ts'
import { writeSnapshot } from '../journal/snapshot-writer.ts'
import { isFinished } from '../state/table.ts'

export interface CompactionParts {
  engine: Engine
  disk: Disk
  lines: Lines
  lives: Lives
  /** Ms that a finished job is kept which says nothing about it. */
  retention: number
  signal: AbortSignal
}

/**
 * Puts a snapshot in the place of all segments but the last. Only the change of segments stops others, for as long as it
 * takes to make a file and to copy the table; all the rest is done beside them.
 *
 * @returns false where another process compacts
 */
export async function compact(parts: CompactionParts): Promise<boolean> {
  try {
    const lock = parts.disk.lockCompaction()
    if (!lock) return false
    try {
      return await compactLocked(parts)
    } finally {
      lock[Symbol.dispose]()
    }
  } catch (error) {
    if (parts.signal.aborted) throw error
    throw failed(parts.disk.dir, error)
  }
}

async function compactLocked({ engine, disk, lines, lives, retention, signal }: CompactionParts): Promise<boolean> {
  await ask<number>(engine, (batch, answer) => forget(batch, retention, answer))
  // A value's file that comes later may be named by a line that comes later.
  const before = contentsOf(disk.names())
  const { files } = engine.loaded
  const held = files.hold()
  try {
    const { frozen, segment, n } = await engine.seal()
    // Loaded anew meanwhile, what was frozen speaks of files that are closed.
    if (engine.loaded.files !== files || engine.loaded.journal.segment < segment) return false
    signal.throwIfAborted()
    let values = new Set<string>()
    await disk.make(
      snapshotName(segment),
      async (append) => {
        values = await writeSnapshot({ state: frozen, files, lines }, { segment, n }, append, signal)
      },
      true,
    )
    await ask<void>(engine, (batch) => {
      batch.add({ op: 'snapshot', segment })
      return true
    })
    removeOld(disk, segment)
    removeLeftovers(disk, lives, before, (name, id) => {
      const row = frozen.table.find(id)
      return !values.has(name) && (row < 0 || isFinished(frozen.table.phase[row]!))
    })
    return true
  } finally {
    held[Symbol.dispose]()
  }
}

/** What the snapshot stands for. */
function removeOld(disk: Disk, segment: number): void {
  const { segments, snapshots } = contentsOf(disk.names())
  for (const old of snapshots) if (old < segment) disk.remove(snapshotName(old))
  // The oldest last: what is left after a crash is a row without a gap.
  for (const old of segments.reverse()) if (old < segment) disk.remove(segmentName(old))
}

function removeLeftovers(
  disk: Disk,
  lives: Lives,
  before: Contents,
  isLeft: (name: string, id: number) => boolean,
): void {
  for (const name of before.values) if (isLeft(name, Number(name.split('-')[1]))) disk.remove(name)
  for (const name of before.unfinished) if (hasEnded(Number(name.split('-')[1]))) disk.remove(name)
  for (const worker of before.workers) if (!lives.isAlive(worker)) lives.bury(worker)
}

function ask<T>(engine: Engine, decide: ConstructorParameters<typeof Ask<T>>[0]): Promise<T> {
  const asked = new Ask<T>(decide)
  engine.submit(asked)
  return asked.promise
}
