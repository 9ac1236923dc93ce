import { endianness } from 'node:os'
import { WAY_DIRECT } from '../../native/binding.ts'
import { native } from '../../native/load.ts'
import { cancelWait, startWait, type WaitEnd } from '../../native/waits.ts'
import type { RealDisk } from './real-disk.ts'

/** Tells of what other processes do to a store, while somebody here waits for that. */
export interface Watch {
  on(): void
  off(): void
}

/** Where the kernel cannot tell. */
const LOOK_MS = 50
/** A busy journal is looked at so often, and no more. */
const PAUSE_MS = 1

const IN_CLOSE_WRITE = 0x8
const IN_Q_OVERFLOW = 0x4000
const EVENT_HEAD = 16

/** By inotify on the folder: a process's end closes the file that it has open, `worker-W`. */
export class FolderWatch implements Watch {
  readonly #disk: RealDisk
  readonly #onEvent: (closed: boolean) => void
  #users = 0
  #wait = -1
  #timer: NodeJS.Timeout | undefined
  #last = 0

  /** @param onEvent `closed`: a worker may have ended */
  constructor(disk: RealDisk, onEvent: (closed: boolean) => void) {
    this.#disk = disk
    this.#onEvent = onEvent
  }

  on(): void {
    if (this.#users++ > 0) return
    this.#arm()
    // What came after the last look, and before there was a watch, is told by no event: a worker's end neither.
    setImmediate(() => {
      if (this.#users > 0) this.#onEvent(true)
    })
  }

  off(): void {
    if (--this.#users > 0) return
    if (this.#wait >= 0) cancelWait(this.#wait)
    this.#wait = -1
    clearTimeout(this.#timer)
  }

  #arm(): void {
    const watched = native().watchJournal(this.#disk.handle, this.#disk.dir)
    const fd = watched < 0 ? watched : native().dup(watched)
    // What is read takes the descriptor over.
    this.#wait =
      fd < 0 ? -1 : startWait((binding, id) => binding.waitBytes(id, fd, WAY_DIRECT, 1 << 14, -1), this.#ended)
    if (this.#wait < 0) this.#timer = setTimeout(() => this.#tell(true), LOOK_MS)
  }

  readonly #ended = (end: WaitEnd): void => {
    this.#wait = -1
    if (this.#users > 0) this.#tell(end.status !== 'ready' || !end.data || tellsOfEnd(end.data))
  }

  #tell(closed: boolean): void {
    const now = performance.now()
    const soon = now - this.#last < PAUSE_MS
    this.#last = now
    this.#onEvent(closed)
    if (this.#users === 0 || this.#wait >= 0) return
    clearTimeout(this.#timer)
    if (soon) this.#timer = setTimeout(() => this.#arm(), PAUSE_MS)
    else this.#arm()
  }
}

const isLittle = endianness() === 'LE'

/** Whether one of the events is the end of a worker, or events were dropped. */
function tellsOfEnd(events: Buffer): boolean {
  for (let at = 0; at + EVENT_HEAD <= events.length; ) {
    const mask = isLittle ? events.readUInt32LE(at + 4) : events.readUInt32BE(at + 4)
    const length = isLittle ? events.readUInt32LE(at + 12) : events.readUInt32BE(at + 12)
    if (mask & IN_Q_OVERFLOW) return true
    if (mask & IN_CLOSE_WRITE && events.toString('latin1', at + EVENT_HEAD, at + EVENT_HEAD + 7) === 'worker-')
      return true
    at += EVENT_HEAD + length
  }
  return false
}
