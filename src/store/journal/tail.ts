import type { Disk, Lines, ReadFile } from '../disk/disk.ts'
import { contentsOf, positionOf, segmentName } from '../format/format.ts'
import { isWhole, objectOf } from '../format/line.ts'
import { State } from '../state/state.ts'
import { Files } from './files.ts'
import { Journal } from './journal.ts'
import { LineReader } from './line-reader.ts'
import { headerAt, type Loaded, refuseNewer } from './load.ts'

const FIRST_LOOK = 1 << 10
const MOST_ROOM = 1 << 20

/**
 * The journal's last lines alone, for who appends what depends on nothing before: it costs the same however many jobs
 * there are. The state is what these lines say, and no more. Null where there is nothing yet, or where a power cut may have torn
 * what was never known to be on disk: behind that nothing may be appended, and who loads all of the store cuts it off.
 */
export async function loadTail(disk: Disk, lines: Lines): Promise<Loaded | null> {
  const segment = contentsOf(disk.names()).segments.at(-1)
  const files = new Files(disk, lines)
  const file = segment === undefined ? 0 : files.numberOf(segmentName(segment))
  if (segment === undefined || file === 0) return null
  const state = new State()
  const journal = new Journal(disk, lines, files, state)
  refuseNewer(disk, headerAt(files, lines, segment)?.format)
  const size = files.file(file).size()
  let start = { n: 0, at: 0 }
  for (let look = FIRST_LOOK; look < size; look *= 4) {
    const found = firstLine(new LineReader(files.file(file), lines, size - look), size)
    if (!found) continue
    start = found
    break
  }
  const known = disk.appender.durable() - positionOf(segment, 0)
  if (!areWhole(files.file(file), lines, Math.max(0, known), start.at)) {
    files.keep(new Set())
    return null
  }
  journal.start(segment, start.n, start.at)
  await disk.syncFolder()
  journal.write()
  return { state, journal, files }
}

/** Whether there are but whole lines between these two places. */
function areWhole(file: ReadFile, lines: Lines, from: number, to: number): boolean {
  const room = Buffer.allocUnsafe(Math.min(MOST_ROOM, Math.max(0, to - from)))
  for (let at = from; at < to; ) {
    const length = file.read(room, at, Math.min(room.length, to - at))
    const whole = lines.whole(room, 0, length)
    if (whole === 0) return false
    at += whole
  }
  return true
}

/** Where the first whole line behind some place begins, and the number of the one before it. */
function firstLine(reader: LineReader, end: number): { n: number; at: number } | undefined {
  if (!reader.skip(end)) return undefined
  let first: { n: number; at: number } | undefined
  reader.read(end, (json, at) => {
    const n = objectOf(json)?.n
    if (isWhole(n)) first ??= { n: n - 1, at }
  })
  return first
}
