const KEPT_LINES = 20
const KEPT_LINE_LENGTH = 2000
/** What is longer is told in pieces: a program may write megabytes without a newline. */
const LONGEST_LINE = 16 * 1024

/**
 * Bytes to lines, and the last of them. Lines are latin1 strings without their newline: each character is one byte,
 * whatever the encoding of the program.
 */
export class Lines {
  readonly #emit: (lines: string[]) => void
  #partial = ''
  #last: string[] = []

  constructor(emit: (lines: string[]) => void) {
    this.#emit = emit
  }

  push(bytes: Buffer): void {
    const lines = (this.#partial + bytes.toString('latin1')).split('\n')
    this.#partial = lines.pop() ?? ''
    const whole = lines.flatMap(pieces)
    while (this.#partial.length > LONGEST_LINE) {
      whole.push(this.#partial.slice(0, LONGEST_LINE))
      this.#partial = this.#partial.slice(LONGEST_LINE)
    }
    this.#tell(whole)
  }

  /** Something is missing between what came and what will come. */
  gap(lines: number, bytes: number): void {
    this.end()
    this.#tell([asLatin1(dropped(lines, bytes))])
  }

  /** What had no newline yet is a line, too. */
  end(): void {
    if (this.#partial !== '') this.#tell([this.#partial])
    this.#partial = ''
  }

  /** The last lines, for a message. */
  get last(): string {
    const partial = this.#partial === '' ? [] : [this.#partial]
    return [...this.#last, ...partial]
      .slice(-KEPT_LINES)
      .map((line) => Buffer.from(line.slice(0, KEPT_LINE_LENGTH), 'latin1').toString('utf8'))
      .join('\n')
  }

  #tell(lines: string[]): void {
    if (lines.length === 0) return
    this.#last = [...this.#last, ...lines.slice(-KEPT_LINES)].slice(-KEPT_LINES)
    this.#emit(lines)
  }
}

export const asLatin1 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

export function dropped(lines: number, bytes: number): string {
  return `… ${lines} ${lines === 1 ? 'line' : 'lines'} (${bytes} bytes) dropped`
}

function pieces(line: string): string[] {
  if (line.length <= LONGEST_LINE) return [line]
  return [line.slice(0, LONGEST_LINE), ...pieces(line.slice(LONGEST_LINE))]
}
