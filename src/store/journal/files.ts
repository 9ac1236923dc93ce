import type { Disk, Lines, ReadFile } from '../disk/disk.ts'
import { failed } from '../errors.ts'
import { FRAME } from '../format/format.ts'
import type { Place } from '../format/line.ts'

/** The files in which the lines lie that are still needed, by number. They stay open when they are removed. */
export class Files {
  readonly #disk: Disk
  readonly #lines: Lines
  readonly #open = new Map<number, ReadFile>()
  readonly #numbers = new Map<string, number>()
  #last = 0
  /** Who reads files that may be replaced meanwhile. */
  #holders = 0
  #left: ReadFile[] = []
  #room = Buffer.allocUnsafe(1 << 12)

  constructor(disk: Disk, lines: Lines) {
    this.#disk = disk
    this.#lines = lines
  }

  /** The number of a file; 0 where there is none. */
  numberOf(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    const file = this.#disk.open(name)
    if (!file) return 0
    const number = ++this.#last
    this.#open.set(number, file)
    this.#numbers.set(name, number)
    return number
  }

  file(number: number): ReadFile {
    const file = this.#open.get(number)
    if (!file) throw new Error(`file ${number} of the store is closed`)
    return file
  }

  /** The object of a line. @throws JobslotError `ERR_JOBSLOT_STORE_IO` where it has been damaged since it was read first */
  text({ file, offset, length }: Place): string {
    if (this.#room.length < length) this.#room = Buffer.allocUnsafe(length)
    const read = this.file(file).read(this.#room, offset, length)
    if (this.#lines.whole(this.#room, 0, read) !== length) throw failed(this.#disk.dir, new Error('a line is damaged'))
    const text = this.#room.toString('utf8', FRAME, Math.max(FRAME, read - 1))
    if (this.#room.length > 1 << 20) this.#room = Buffer.allocUnsafe(1 << 12)
    return text
  }

  /** The highest number so far. */
  get last(): number {
    return this.#last
  }

  numbersWhere(is: (name: string) => boolean): Set<number> {
    return new Set([...this.#numbers].filter(([name]) => is(name)).map(([, number]) => number))
  }

  /** Closes all but these. */
  keep(numbers: ReadonlySet<number>): void {
    for (const [name, number] of this.#numbers) {
      if (numbers.has(number)) continue
      this.#numbers.delete(name)
      const file = this.#open.get(number)
      if (!file) continue
      if (this.#holders > 0) this.#left.push(file)
      else {
        file.close()
        this.#open.delete(number)
      }
    }
  }

  /** Keeps all files open, whatever replaces them, until it is disposed of. */
  hold(): Disposable {
    this.#holders++
    return {
      [Symbol.dispose]: () => {
        if (--this.#holders > 0) return
        for (const [number, file] of this.#open) {
          if (!this.#left.includes(file)) continue
          file.close()
          this.#open.delete(number)
        }
        this.#left = []
      },
    }
  }
}
