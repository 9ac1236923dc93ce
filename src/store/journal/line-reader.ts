import { isAscii } from 'node:buffer'
import type { Lines, ReadFile } from '../disk/disk.ts'
import { FRAME } from '../format/format.ts'

/** What stopped a reader: all was read; there is more; a line begins that is not whole. */
export type Stop = 'end' | 'more' | 'broken'

type OnLine = (json: string, offset: number, length: number) => void

/** May take a line, whose object begins there, from its bytes: how long the object is, with its line end; else 0. */
type OnBytes = (bytes: Buffer, at: number, offset: number) => number

/** The last of a line's frame, and the first of its object. */
const BEGINNING = ' {"'

const FIRST_ROOM = 1 << 14
const MOST_ROOM = 1 << 18

/** Reads the lines of a file, whole ones only. */
export class LineReader {
  /** Behind the last line that was read. */
  at: number
  readonly #file: ReadFile
  readonly #lines: Lines
  #room = Buffer.allocUnsafe(FIRST_ROOM)

  constructor(file: ReadFile, lines: Lines, at = 0) {
    this.#file = file
    this.#lines = lines
    this.at = at
  }

  /** Hands on the lines below `end` that fit into one read. */
  read(end: number, onLine: OnLine, onBytes?: OnBytes): Stop {
    if (this.at >= end) return 'end'
    const wanted = end - this.at
    if (this.#room.length < Math.min(wanted, MOST_ROOM))
      this.#room = Buffer.allocUnsafe(Math.min(MOST_ROOM, nextRoom(wanted)))
    for (;;) {
      const room = this.#room
      const length = this.#file.read(room, this.at, Math.min(wanted, room.length))
      const whole = this.#lines.whole(room, 0, length)
      if (whole > 0) {
        const start = this.at
        this.at += whole
        handOn(room, whole, start, onLine, onBytes)
        if (this.#room.length > MOST_ROOM) this.#room = Buffer.allocUnsafe(FIRST_ROOM)
        return this.at >= end ? 'end' : 'more'
      }
      // A line that is longer than the room, perhaps.
      const isCut = length === room.length && length < wanted && room.indexOf(10) < 0
      if (!isCut) return 'broken'
      this.#room = Buffer.allocUnsafe(Math.min(wanted, room.length * 4))
    }
  }

  /**
   * Passes over what is not whole; true where a whole line is behind it. The line end before that one may be damaged too:
   * so it is looked for by its own beginning.
   */
  skip(end: number): boolean {
    const room = Buffer.allocUnsafe(FIRST_ROOM)
    const overlap = BEGINNING.length - 1
    for (let at = this.at + 1; at < end; at += FIRST_ROOM - overlap) {
      const part = room.subarray(0, this.#file.read(room, at, Math.min(FIRST_ROOM, end - at)))
      for (let found = part.indexOf(BEGINNING); found >= 0; found = part.indexOf(BEGINNING, found + 1)) {
        const start = at + found - (FRAME - 1)
        if (start > this.at && this.#isWholeAt(start, end)) {
          this.at = start
          return true
        }
      }
    }
    this.at = end
    return false
  }

  #isWholeAt(at: number, end: number): boolean {
    return at < end && new LineReader(this.#file, this.#lines, at).read(end, () => {}) !== 'broken'
  }
}

function nextRoom(wanted: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(wanted, FIRST_ROOM)))
}

function handOn(bytes: Buffer, length: number, start: number, onLine: OnLine, onBytes: OnBytes | undefined): void {
  let text: string | null | undefined
  for (let at = 0; at < length; ) {
    const taken = onBytes ? onBytes(bytes, at + FRAME, start + at) : 0
    if (taken > 0) {
      at += FRAME + taken
      continue
    }
    // One string for all, where that has a character for each byte.
    if (text === undefined) text = isAscii(bytes.subarray(0, length)) ? bytes.toString('latin1', 0, length) : null
    const end = text === null ? bytes.indexOf(10, at) : text.indexOf('\n', at)
    onLine(text?.slice(at + FRAME, end) ?? bytes.toString('utf8', at + FRAME, end), start + at, end + 1 - at)
    at = end + 1
  }
}
