const ENTER = '\x1b[?1049h'
const LEAVE = '\x1b[?1049l'
const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
/** So a line that is too long ends at the edge, however wide its characters are. */
const NO_WRAP = '\x1b[?7l'
const WRAP = '\x1b[?7h'
const HOME = '\x1b[H'
const CLEAR_LINE = '\x1b[K'
const CLEAR_BELOW = '\x1b[J'
const BOLD = '\x1b[1m'
const PLAIN = '\x1b[22m'

/**
 * A terminal's second screen, on which a picture is drawn over the one before: what was on the first is there again
 * afterwards. Whoever ends, or stops (Ctrl-Z), leaves it first.
 */
export class Screen {
  readonly #terminal: NodeJS.WriteStream
  #lines: readonly string[] = []
  #isIn = false

  constructor(terminal: NodeJS.WriteStream) {
    this.#terminal = terminal
    this.#enter()
    process.on('exit', this.leave)
    process.on('SIGTSTP', this.#stop)
    process.on('SIGCONT', this.#goOn)
    terminal.on('resize', this.#redraw)
  }

  draw(lines: readonly string[]): void {
    this.#lines = lines
    this.#redraw()
  }

  readonly leave = (): void => {
    if (!this.#isIn) return
    this.#isIn = false
    this.#terminal.write(WRAP + SHOW_CURSOR + LEAVE)
  }

  #enter(): void {
    this.#isIn = true
    this.#terminal.write(ENTER + HIDE_CURSOR + NO_WRAP)
  }

  readonly #redraw = (): void => {
    if (this.#isIn) this.#terminal.write(picture(this.#lines, this.#terminal.rows || 24))
  }

  readonly #stop = (): void => {
    this.leave()
    process.kill(process.pid, 'SIGSTOP')
  }

  readonly #goOn = (): void => {
    if (this.#isIn) return
    this.#enter()
    this.#redraw()
  }
}

/** What draws these lines over whatever is there. Pure. */
export function picture(lines: readonly string[], rows: number): string {
  const fits = lines.length <= rows
  const drawn = fits ? lines : [...lines.slice(0, rows - 1), `… ${lines.length - rows + 1} more lines`]
  const [head = '', ...rest] = drawn
  const text = [BOLD + head + PLAIN, ...rest].map((line) => `${line}${CLEAR_LINE}`).join('\r\n')
  return `${HOME}${text}${CLEAR_BELOW}`
}
