import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs'
import { JobslotError } from '../../errors.ts'
import { asLatin1, Lines } from './lines.ts'
import { writeToStderr } from './stderr.ts'

/** Where the lines go that a worker prints, besides an error's message. */
export interface OutputOptions {
  name: string
  stderr: boolean
  /** A file that gets them, too. */
  file: string | null
}

/** The lines of one worker, on their way to standard error, each behind its name, and to a file. */
export function outputLines({ name, stderr, file }: OutputOptions): Lines {
  const prefix = `${asLatin1(name)}: `
  let isGood = true
  return new Lines((lines) => {
    if (stderr) writeToStderr(`${prefix}${lines.join(`\n${prefix}`)}\n`, lines.length)
    if (file === null || !isGood) return
    try {
      append(file, `${lines.join('\n')}\n`)
    } catch (error) {
      isGood = false
      const { code, message } = error as NodeJS.ErrnoException
      if (stderr)
        writeToStderr(`${prefix}the log ${asLatin1(file)} ends here: it cannot be written (${code ?? message})\n`, 1)
    }
  })
}

/** @throws JobslotError `ERR_JOBSLOT_WORKER_LOG` where nothing can be appended to such a file */
export function checkLog(file: string): void {
  try {
    append(file, '')
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    throw new JobslotError(
      'ERR_JOBSLOT_WORKER_LOG',
      `the log ${file} cannot be written (${code ?? message}): name a file in a folder of your own`,
      { cause },
    )
  }
}

/** Opened each time: a log may be moved away meanwhile, and a worker thread that is terminated closes nothing. */
function append(file: string, text: string): void {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK } = constants
  // A FIFO would wait for its reader.
  const fd = openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o666)
  try {
    if (!fstatSync(fd).isFile()) throw new Error('it is no file')
    if (text !== '') writeSync(fd, text, null, 'latin1')
  } finally {
    closeSync(fd)
  }
}
