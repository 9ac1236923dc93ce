import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { atEnd } from './at-end.ts'
import { compiled } from './compile.ts'
import { tempDir } from './processes.ts'

/** What a jobserver saw, once its command has ended. Compare the tokens with those put in: sorted, in hex. */
export interface Report {
  tokens: string
  status: number
  signal: number
  /** F_GETFL of the read end and of the write end, from a process that shares them with the client. */
  flagsBefore: [number, number]
  flagsAfter: [number, number]
}

/** A jobserver in a process of its own, which runs a command as its client. */
export interface JobserverCommand {
  /** The command that runs `argv` under the jobserver. */
  around(argv: readonly string[]): string[]
  report(): Report
}

/** An anonymous blocking pipe at these descriptors, told to the command in both of make's spellings. */
export function pipeJobserver(
  tokens: Buffer,
  ends: { read: number; write: number } = { read: 3, write: 4 },
): JobserverCommand {
  return jobserverCommand(['pipe', String(ends.read), String(ends.write)], tokens)
}

/** A FIFO that is made at this path, and known to the command by it alone. */
export function namedJobserver(path: string, tokens: Buffer): JobserverCommand {
  return jobserverCommand(['fifo', path], tokens)
}

/** A FIFO in this process, with two descriptions of its own. Closed after the test. */
export interface FifoJobserver {
  path: string
  readFd: number
  writeFd: number
  /** MAKEFLAGS that name it by its path. */
  makeflags: string
  /** Takes out all tokens that are there: sorted, in hex. */
  drain(): string
}

export function fifoJobserver(dir: string, tokens: Buffer): FifoJobserver {
  const path = join(dir, 'jobserver')
  execFileSync('mkfifo', [path])
  // O_RDWR: neither open waits for another process.
  const readFd = openSync(path, constants.O_RDWR)
  const writeFd = openSync(path, constants.O_RDWR)
  atEnd(() => {
    closeSync(readFd)
    closeSync(writeFd)
  })
  writeSync(writeFd, tokens)
  const makeflags = ` -j${tokens.length + 1} --jobserver-auth=fifo:${path.replaceAll(' ', '\\ ')}`
  return { path, readFd, writeFd, makeflags, drain: () => drain(path) }
}

/** Tokens that all differ, high bytes and zero among them. */
export function distinctTokens(count: number): Buffer {
  if (count > 256) throw new Error('there are only 256 different tokens')
  // 37 and 256 have no common divisor, so no byte comes twice.
  return Buffer.from(Array.from({ length: count }, (_, i) => (i * 37) % 256))
}

export function sortedHex(tokens: Buffer): string {
  return Buffer.from(tokens).sort().toString('hex')
}

function jobserverCommand(where: string[], tokens: Buffer): JobserverCommand {
  const file = join(tempDir(), 'report.json')
  return {
    around: (argv) => [
      'env',
      `PIPESERVER_REPORT=${file}`,
      compiled('pipeserver'),
      ...where,
      tokens.toString('hex'),
      ...argv,
    ],
    report: () => {
      const report = JSON.parse(readFileSync(file, 'utf8'))
      const { tokens, status, signal, flags_before: flagsBefore, flags_after: flagsAfter } = report
      return { tokens, status, signal, flagsBefore, flagsAfter }
    },
  }
}

function drain(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const bytes = Buffer.alloc(4096)
  try {
    return sortedHex(bytes.subarray(0, readSync(fd, bytes)))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return ''
    throw error
  } finally {
    closeSync(fd)
  }
}
