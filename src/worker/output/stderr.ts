import { openWriteEnd } from '../../native/ends.ts'
import { native } from '../../native/load.ts'
import { dropped } from './lines.ts'

const ROOM = 256 * 1024
const RETRY_MS = 20
const LAST_WAIT_MS = 100
const POLLOUT = 4

/**
 * This process's standard error, for what workers print: never waited for, since whoever reads it may have stopped
 * reading. What finds no room is dropped and counted. Node's own `process.stderr` would block, or keep it all.
 */
let waiting: Buffer[] = []
let waitingBytes = 0
let lostLines = 0
let lostBytes = 0
let timer: NodeJS.Timeout | null = null
let atExit = false

/** @param text whole lines, in latin1 */
export function writeToStderr(text: string, lines: number): void {
  if (!atExit) {
    atExit = true
    process.on('exit', flushAtExit)
  }
  if (waitingBytes + text.length > ROOM && waitingBytes > 0) {
    lostLines += lines
    lostBytes += text.length
    return
  }
  if (lostLines > 0) tellLost()
  enqueue(Buffer.from(text, 'latin1'))
  flush()
}

function tellLost(): void {
  enqueue(Buffer.from(`${dropped(lostLines, lostBytes)}\n`))
  lostLines = 0
  lostBytes = 0
}

function enqueue(bytes: Buffer): void {
  waiting.push(bytes)
  waitingBytes += bytes.length
}

function flush(): void {
  if (!writeSome(0) && !timer) {
    timer = setTimeout(() => {
      timer = null
      flush()
    }, RETRY_MS).unref()
  }
  if (waitingBytes === 0 && lostLines > 0) {
    tellLost()
    flush()
  }
}

/** True: nothing waits any more. The end is opened each time: a worker thread that is terminated closes nothing. */
function writeSome(waitMs: number): boolean {
  const binding = native()
  let end: { fd: number; own: boolean }
  try {
    end = openWriteEnd(2)
  } catch {
    // There is no standard error.
    waiting = []
    waitingBytes = 0
    return true
  }
  const deadline = performance.now() + waitMs
  try {
    for (let bytes = waiting[0]; bytes; bytes = waiting[0]) {
      const n = binding.write(end.fd, end.own, bytes)
      if (n < 0) {
        const left = deadline - performance.now()
        if (left > 0 && binding.poll(end.fd, POLLOUT, left) > 0) continue
        return false
      }
      waitingBytes -= n
      if (n === bytes.length) waiting.shift()
      else waiting[0] = bytes.subarray(n)
    }
    return true
  } finally {
    binding.close(end.fd)
  }
}

function flushAtExit(): void {
  if (lostLines > 0) tellLost()
  if (waitingBytes > 0) writeSome(LAST_WAIT_MS)
}
