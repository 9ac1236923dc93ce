import { closeSync, type FSWatcher, fstatSync, openSync, readSync, watch } from 'node:fs'
import type { Lines } from './lines.ts'

const PAUSE_MS = 10
const chunk = Buffer.alloc(64 * 1024)
const HEAD = 80

const followed = new Set<FollowedLog>()
let atExit = false

/** The log of a shared worker, as it grows. Neither its end nor its beginning is lost when it begins anew. */
export class FollowedLog {
  readonly #fd: number
  readonly #lines: Lines
  #watcher: FSWatcher | null = null
  #timer: NodeJS.Timeout | null = null
  #offset: number
  /** What the file begins with: where it begins anew that is a line with other counts. */
  #head = Buffer.alloc(0)

  /** @param from 'start' reads what is there already, 'end' only what comes */
  constructor(path: string, from: 'start' | 'end', lines: Lines, { watched }: { watched: boolean }) {
    this.#lines = lines
    this.#fd = openSync(path, 'r')
    this.#offset = from === 'end' ? fstatSync(this.#fd).size : 0
    this.#readHead()
    if (!atExit) {
      atExit = true
      process.on('exit', () => {
        for (const log of followed) log.close()
      })
    }
    followed.add(this)
    if (!watched) return
    try {
      this.#watcher = watch(path, { persistent: false }, () => this.#soon())
      this.#watcher.on('error', () => {})
    } catch {
      // No inotify is left for this user: then now and again.
      this.#timer = setInterval(() => this.read(), 20 * PAUSE_MS).unref()
    }
    this.#soon()
  }

  /** Hands over what came since. */
  read(): void {
    if (!followed.has(this)) return
    const { size } = fstatSync(this.#fd)
    if (size < this.#offset || this.#beganAnew()) this.#offset = 0
    while (this.#offset < size) {
      const n = readSync(this.#fd, chunk, 0, chunk.length, this.#offset)
      if (n === 0) break
      this.#offset += n
      this.#lines.push(Buffer.from(chunk.subarray(0, n)))
    }
  }

  close(): void {
    if (!followed.has(this)) return
    this.read()
    this.#lines.end()
    followed.delete(this)
    this.#watcher?.close()
    if (this.#timer) clearTimeout(this.#timer)
    closeSync(this.#fd)
  }

  /** A line comes seldom alone. */
  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      this.read()
    }, PAUSE_MS).unref()
  }

  #beganAnew(): boolean {
    const before = this.#head
    this.#readHead()
    return !this.#head.subarray(0, before.length).equals(before)
  }

  #readHead(): void {
    const head = Buffer.alloc(HEAD)
    this.#head = head.subarray(0, readSync(this.#fd, head, 0, HEAD, 0))
  }
}
