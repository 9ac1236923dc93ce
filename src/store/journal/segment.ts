import type { Disk, Lines, ReadFile } from '../disk/disk.ts'
import { FORMAT, LineBuffer, segmentName } from '../format/format.ts'
import { lineOf, objectOf } from '../format/line.ts'
import { LineReader } from './line-reader.ts'

/** What a new segment follows. With `from`: only so much of it counts, and the rest is repeated. */
export interface Source {
  file: ReadFile
  end: number
  from: number | undefined
}

/**
 * Makes a segment, whose content follows from the one before alone, so that it does no harm if several do so.
 *
 * @param n the number of the last line that counts of the one before
 */
export async function makeSegment(
  disk: Disk,
  lines: Lines,
  { segment, n }: { segment: number; n: number },
  source: Source | null,
): Promise<void> {
  const buffer = new LineBuffer()
  const repeated = source && source.from !== undefined ? repeatedLines(source, lines, source.from) : { n, lines: [] }
  const from = source ? (source.from ?? source.end) : 0
  buffer.add(JSON.stringify({ n: repeated.n, format: FORMAT, segment, from }))
  for (const json of repeated.lines) buffer.add(json)
  lines.stamp(buffer.bytes, buffer.length)
  await disk.make(segmentName(segment), (append) => append(buffer.view))

  function repeatedLines({ file, end }: Source, lines: Lines, from: number): { n: number; lines: string[] } {
    const found: string[] = []
    let before: number | undefined
    const reader = new LineReader(file, lines, from)
    const onLine = (json: string) => {
      const line = lineOf(json)
      if (!line || line.op === 'seal') return
      before ??= line.n - 1
      found.push(withoutMark(json))
    }
    for (let stop = reader.read(end, onLine); stop === 'more'; ) stop = reader.read(end, onLine)
    return { n: before ?? n, lines: found }
  }
}

/** Places of the old segment say nothing of the new one. */
function withoutMark(json: string): string {
  const object = objectOf(json)
  if (!object || !('d' in object)) return json
  delete object.d
  return JSON.stringify(object)
}

/** How far lines behind `from` say that the segment was on disk; 0 where none does. */
export function provenEnd(file: ReadFile, lines: Lines, from: number, end: number): number {
  const reader = new LineReader(file, lines, from)
  let proven = 0
  const onLine = (json: string, offset: number) => {
    const d = objectOf(json)?.d
    if (typeof d === 'number' && d > proven && d <= offset) proven = d
  }
  while (reader.skip(end)) {
    let stop = reader.read(end, onLine)
    while (stop === 'more') stop = reader.read(end, onLine)
    if (stop === 'end') break
  }
  return proven
}
