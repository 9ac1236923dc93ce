import { writeSync } from 'node:fs'
import { styleText } from 'node:util'

/** Colour only on a terminal, and not where NO_COLOR asks for none. */
export function colours(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
}

/** `jobslot: what happened: what to do`, on stderr, at once: what follows may end the process. */
export function tell(text: string): void {
  const name = colours(process.stderr) ? styleText('yellow', 'jobslot:') : 'jobslot:'
  try {
    writeSync(2, `${name} ${text}\n`)
  } catch {
    // Nobody listens.
  }
}

/** Calls `say` once, if the wait that it returns the end of is not over after 2 s. */
export function tellIfSlow(say: () => string): () => void {
  const timer = setTimeout(() => tell(say()), 2000)
  return () => clearTimeout(timer)
}
