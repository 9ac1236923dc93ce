import { EXIT } from '../exit-codes.ts'
import { tell } from '../messages.ts'

let isWatched = false

/** Writes to stdout as fast as it is read. Where nobody reads any more, there is nothing more to do. */
export function print(text: string | Buffer): Promise<void> {
  if (!isWatched) process.stdout.on('error', ended)
  isWatched = true
  return new Promise((resolve) => {
    process.stdout.write(text, (error) => {
      if (!error) resolve()
    })
  })
}

function ended({ code, message }: NodeJS.ErrnoException): never {
  if (code === 'EPIPE') process.exit(0)
  tell(`the output cannot be written (${code ?? message})`)
  process.exit(EXIT.unavailable)
}
