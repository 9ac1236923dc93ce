import type { Disk, Lines } from './disk.ts'
import { Files } from './files.ts'
import { contentsOf, segmentName } from './format.ts'
import { Journal } from './journal.ts'
import { isWhole, objectOf } from './line.ts'
import { LineReader } from './line-reader.ts'
import { headerAt, type Loaded, refuseNewer } from './load.ts'
import { State } from './state.ts'

const FIRST_LOOK = 1 << 10

/**
 * The journal's last lines alone, for who appends what depends on nothing before: it costs the same however many jobs
 * there are. The state is what these lines say, and no more. Null where there is nothing yet.
 */
export async function loadTail(disk: Disk, lines: Lines): Promise<Loaded | null> {
  const segment = contentsOf(disk.names()).segments.at(-1)
  const files = new Files(disk, lines)
  const file = segment === undefined ? 0 : files.numberOf(segmentName(segment))
  if (segment === undefined || file === 0) return null
  const state = new State()
  const journal = new Journal(disk, lines, files, { line: (line, place, changed) => state.apply(line, place, changed) })
  refuseNewer(disk, headerAt(files, lines, segment)?.format)
  const size = files.file(file).size()
  let start = { n: 0, at: 0 }
  for (let look = FIRST_LOOK; look < size; look *= 4) {
    const found = firstLine(new LineReader(files.file(file), lines, size - look), size)
    if (!found) continue
    start = found
    break
  }
  journal.start(segment, start.n, start.at)
  journal.write()
  await disk.syncFolder()
  return { state, journal, files }
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
