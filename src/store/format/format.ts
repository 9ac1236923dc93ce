/** The names of files, and lines of text: docs/store-format.md. Pure. */

export const FORMAT = 1

/** The checksum and a blank, before a line's object. */
export const FRAME = 9

/** A place in the journal: segment and byte in one number that only grows. */
export function positionOf(segment: number, byte: number): number {
  return segment * SEGMENT_SPAN + byte
}

/** More than a segment ever has. */
export const SEGMENT_SPAN = 2 ** 32

/** A file of a higher number is not the store's: positions in it would be no whole numbers. */
const MOST_SEGMENTS = 2 ** 21 - 1

export const segmentName = (segment: number): string => `journal-${digits(segment)}`
export const snapshotName = (segment: number): string => `snapshot-${digits(segment)}`
export const valueName = (id: number, line: number): string => `value-${id}-${line}`

const digits = (segment: number): string => String(segment).padStart(10, '0')

/** What a folder holds. */
export interface Contents {
  /** Numbers, in order. */
  segments: number[]
  snapshots: number[]
  values: string[]
  workers: number[]
  unfinished: string[]
}

export function contentsOf(names: readonly string[]): Contents {
  const contents: Contents = { segments: [], snapshots: [], values: [], workers: [], unfinished: [] }
  for (const name of names) {
    const [, kind, number] = /^(journal|snapshot|worker)-(\d{1,16})$/.exec(name) ?? []
    const isSegment = number?.length === 10 && Number(number) <= MOST_SEGMENTS
    if (kind === 'journal' && isSegment) contents.segments.push(Number(number))
    else if (kind === 'snapshot' && isSegment) contents.snapshots.push(Number(number))
    else if (kind === 'worker') contents.workers.push(Number(number))
    else if (/^value-\d{1,16}-\d{1,16}$/.test(name)) contents.values.push(name)
    else if (/^new-\d+-[0-9a-f]+$/.test(name)) contents.unfinished.push(name)
  }
  for (const list of [contents.segments, contents.snapshots, contents.workers]) list.sort((a, b) => a - b)
  return contents
}

/** Lines to be appended with one call. Their checksums are filled in by who writes them. */
export class LineBuffer {
  bytes = Buffer.allocUnsafe(1 << 16)
  length = 0

  clear(): void {
    this.length = 0
    // One long batch is no reason to keep its room.
    if (this.bytes.length > 1 << 22) this.bytes = Buffer.allocUnsafe(1 << 16)
  }

  /** How many bytes the line takes. */
  add(json: string): number {
    const start = this.length
    // A character of a string takes three bytes at most.
    const most = start + FRAME + json.length * 3 + 1
    if (most > this.bytes.length) this.#grow(start + FRAME + Buffer.byteLength(json) + 1)
    this.length = start + FRAME + this.bytes.write(json, start + FRAME)
    this.bytes[this.length++] = 10
    return this.length - start
  }

  /** The lines so far, without the checksums. */
  get view(): Buffer {
    return this.bytes.subarray(0, this.length)
  }

  #grow(wanted: number): void {
    if (wanted <= this.bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(wanted, this.bytes.length * 2))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
  }
}
