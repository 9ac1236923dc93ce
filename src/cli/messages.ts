import { writeSync } from 'node:fs'
import { styleText } from 'node:util'

/** In a style on a terminal only, and not where NO_COLOR asks for none. */
export function styled(stream: NodeJS.WriteStream, style: 'bold' | 'yellow', text: string): string {
  const plain = !stream.isTTY || process.env.NO_COLOR || process.env.TERM === 'dumb'
  // Node's own check would ask stdout, whichever the stream.
  return plain ? text : styleText(style, text, { validateStream: false })
}

/** Text of others' as one line that a terminal takes for nothing but text. */
export function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (found) =>
    JSON.stringify(found)
      .slice(1, -1)
      .replace(/^[\u007f-\u009f]$/, '\ufffd'),
  )
}

/** `jobslot: what happened: what to do`, on stderr, at once: what follows may end the process. */
export function tell(text: string): void {
  const name = styled(process.stderr, 'yellow', 'jobslot:')
  try {
    writeSync(2, `${name} ${text}\n`)
  } catch {
    // Nobody listens.
  }
}

/** Calls `say` once, if the wait that it returns the end of is not over after 2 s. */
export function tellIfSlow(say: () => string | Promise<string>): () => void {
  let isOver = false
  const timer = setTimeout(async () => {
    const text = await say()
    if (!isOver) tell(text)
  }, 2000)
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}
