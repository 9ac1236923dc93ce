import { setImmediate as breathe } from 'node:timers/promises'
import type { Disk, Lines } from '../disk/disk.ts'
import { unusable } from '../errors.ts'
import { contentsOf, FORMAT, positionOf, segmentName, snapshotName } from '../format/format.ts'
import { headerOf, objectOf } from '../format/line.ts'
import { State } from '../state/state.ts'
import { Files } from './files.ts'
import { type Damage, Journal } from './journal.ts'
import { LineReader } from './line-reader.ts'
import { makeSegment } from './segment.ts'
import { readSnapshot } from './snapshot.ts'

/** A store as one process has it in memory. */
export interface Loaded {
  state: State
  journal: Journal
  files: Files
}

/** Files that vanish while they are read were compacted away; so often in a row only if something else is wrong. */
const MOST_TRIES = 20

/** Reads all there is. @throws JobslotError `ERR_JOBSLOT_STORE`; a system error */
export async function load(disk: Disk, lines: Lines): Promise<Loaded> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const state = new State()
    const files = new Files(disk, lines)
    const journal = await loadInto(disk, lines, files, state, false)
    if (journal) return { state, journal, files }
    files.keep(new Set())
  }
  throw unusable(disk.dir, 'its files change while they are read')
}

/** Null where files vanished. @param reading nothing is made, and nothing will be appended */
export async function loadInto(
  disk: Disk,
  lines: Lines,
  files: Files,
  state: State,
  reading: boolean,
): Promise<Journal | null> {
  const contents = contentsOf(disk.names())
  const base = Math.max(0, ...contents.snapshots)
  const segments = contents.segments.filter((segment) => segment >= base)
  const damage: Damage[] = []
  let n = 0
  if (base > 0) {
    const number = files.numberOf(snapshotName(base))
    if (number === 0) return null
    const header = await readSnapshot(files.file(number), number, lines, state, damage, snapshotName(base))
    refuseNewer(disk, header.format)
    n = header.n
  }
  if (segments.length === 0 && !reading) {
    const first = Math.max(1, base)
    await makeSegment(disk, lines, { segment: first, n }, null)
    segments.push(first)
  }
  const journal = new Journal(disk, lines, files, state)
  journal.damage.push(...damage)
  for (const [i, segment] of segments.entries()) {
    if (!journal.start(segment, Math.max(n, journal.n))) return null
    refuseNewer(disk, headerAt(files, lines, segment)?.format)
    const next = segments[i + 1]
    const isOver = next !== undefined
    const counting = next === undefined ? undefined : headerAt(files, lines, next)
    // No further than there is anything, whatever the next one's header says.
    const end = counting?.segment === segment + 1 ? Math.min(counting.from, journal.size) : journal.size
    while (journal.readPart(end, isOver)) await breathe()
  }
  if (reading) {
    while (journal.passProven()) while (journal.readPart(journal.size, false));
    return journal
  }
  // The last who made a segment may have been killed before it was so far.
  await disk.syncFolder()
  journal.write()
  // It was made of what is on disk, and was itself before it had its name.
  disk.appender.vouch(positionOf(journal.segment, 0))
  for (;;) {
    const found = journal.catchUp(false)
    if (found === 'gone') return null
    if (found !== 'sealed') return journal
    if ((await journal.next()) === 'gone') return null
  }
}

/** More than one has in any format: what is behind it need not be read. */
const LONGEST_HEADER = 1024

export function headerAt(files: Files, lines: Lines, segment: number) {
  const number = files.numberOf(segmentName(segment))
  if (number === 0) return undefined
  const file = files.file(number)
  let header: ReturnType<typeof headerOf> | undefined
  new LineReader(file, lines).read(Math.min(file.size(), LONGEST_HEADER), (json, offset) => {
    if (offset === 0) header = headerOf(json) ?? (objectOf(json) as typeof header)
  })
  return header ?? undefined
}

export function refuseNewer(disk: Disk, format: unknown): void {
  if (typeof format !== 'number' || format <= FORMAT) return
  throw unusable(disk.dir, `it has format ${format}, and this version of jobslot knows ${FORMAT}: use a newer one`)
}
