import type { Disk, ReadFile } from './disk.ts'
import { FRAME } from './format.ts'
import type { Place } from './state-parts.ts'

/** The files in which the lines lie that are still needed, by number. They stay open when they are removed. */
export class Files {
  readonly #disk: Disk
  readonly #open = new Map<number, ReadFile>()
  readonly #numbers = new Map<string, number>()
  #last = 0
  #room = Buffer.allocUnsafe(1 << 12)

  constructor(disk: Disk) {
    this.#disk = disk
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

  /** The object of a line. */
  text({ file, offset, length }: Place): string {
    if (this.#room.length < length) this.#room = Buffer.allocUnsafe(length)
    const read = this.file(file).read(this.#room, offset, length)
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
      this.#open.get(number)?.close()
      this.#open.delete(number)
    }
  }
}
