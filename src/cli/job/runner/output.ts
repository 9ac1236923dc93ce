import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { tell } from '../../messages.ts'

/** Of what a job prints on stdout, its value is at most so much: the end of it. */
const LONGEST_VALUE = 16 * 1024 * 1024
const LONGEST_TAIL = 8 * 1024
const TAIL_LINES = 10

/** A job's log, to which each of its runs appends. */
export class JobLog {
  readonly #path: string
  #fd: number

  /** @throws of what cannot be written */
  constructor(path: string, attempt: number) {
    this.#path = path
    const { O_RDWR, O_APPEND, O_CREAT, O_NONBLOCK } = constants
    // A FIFO would wait for its reader.
    try {
      this.#fd = openSync(path, O_RDWR | O_APPEND | O_CREAT | O_NONBLOCK, 0o666)
    } catch (error) {
      throw new Error(`its log ${path} cannot be written (${(error as NodeJS.ErrnoException).code})`, { cause: error })
    }
    this.write(Buffer.from(`${this.#endsInLine() ? '' : '\n'}--- attempt ${attempt}, ${new Date().toISOString()}\n`))
  }

  /** What cannot be written is told once: the job runs on. */
  write(bytes: Buffer): void {
    if (this.#fd < 0) return
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at)
    } catch (error) {
      tell(`the log ${this.#path} ends here: it cannot be written (${(error as NodeJS.ErrnoException).code})`)
      this.close()
    }
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd)
    this.#fd = -1
  }

  #endsInLine(): boolean {
    const { size } = fstatSync(this.#fd)
    const last = Buffer.alloc(1)
    return size === 0 || (readSync(this.#fd, last, 0, 1, size - 1) === 1 && last[0] === 10)
  }
}

/** The end of what comes. */
export class Tail {
  readonly #room: number
  #chunks: Buffer[] = []
  #kept = 0
  /** Bytes that came. */
  length = 0

  constructor(room: number) {
    this.#room = room
  }

  push(bytes: Buffer): void {
    this.#chunks.push(bytes)
    this.length += bytes.length
    this.#kept += bytes.length
    while (this.#kept - this.#chunks[0]!.length >= this.#room) this.#kept -= this.#chunks.shift()!.length
  }

  take(): Buffer {
    return Buffer.concat(this.#chunks).subarray(-this.#room)
  }
}

/** The last lines of a text, without blank ones at its end. Pure. */
export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n')
}

/** What a job's process prints: all into its log, stdout as its value, the end of stderr for its error. */
export class JobOutput {
  readonly #log: JobLog
  readonly #stdout = new Tail(LONGEST_VALUE)
  readonly #stderr = new Tail(LONGEST_TAIL)
  readonly #streams: Readable[]
  #open = 0
  #heard = 0
  #isSettled = false

  /** Takes the log over. */
  constructor(log: JobLog, stdout: Readable, stderr: Readable) {
    this.#log = log
    this.#streams = [stdout, stderr]
    this.#follow(stdout, this.#stdout)
    this.#follow(stderr, this.#stderr)
  }

  /**
   * Resolves when all is here that a process has printed which has ended. What it left running may have its output open
   * still: then, as the kernel has what was printed, a turn of the event loop in which nothing comes is the end.
   */
  async settled(): Promise<void> {
    for (let quiet = 0; this.#open > 0 && quiet < QUIET_TURNS; ) {
      const before = this.#heard
      await new Promise((resolve) => setImmediate(resolve))
      quiet = this.#heard === before ? quiet + 1 : 0
    }
    if (this.#stdout.length > LONGEST_VALUE) {
      const lost = `--- the job's value is the last ${LONGEST_VALUE} of ${this.#stdout.length} bytes of its stdout\n`
      this.#log.write(Buffer.from(lost))
    }
    this.#isSettled = true
    if (this.#open === 0) this.#log.close()
    // What comes now goes into the log while this process lives, which it does not prolong.
    for (const stream of this.#streams) (stream as Partial<{ unref(): void }>).unref?.()
  }

  get value(): Buffer {
    return this.#stdout.take()
  }

  get lastLines(): string {
    return lastLines(this.#stderr.take().toString(), TAIL_LINES)
  }

  #follow(stream: Readable, tail: Tail): void {
    this.#open++
    stream.on('data', (bytes: Buffer) => {
      this.#heard++
      tail.push(bytes)
      this.#log.write(bytes)
    })
    // An error ends it, too.
    stream.on('error', () => {})
    stream.on('close', () => {
      if (--this.#open === 0 && this.#isSettled) this.#log.close()
    })
  }
}

/** The first turn may begin in the midst of one. */
const QUIET_TURNS = 3
