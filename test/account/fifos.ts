import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { available, mkfifo } from '../../src/fd.ts'
import { tempDir } from '../support/processes.ts'

/** A member's FIFO as its clients see it. */
export interface TestFifo {
  path: string
  /** Open for reading and writing, never blocking: for an account, which takes it over. */
  opened: () => number
  /** Takes at most so many tokens; how many there were. */
  take(tokens?: number): number
  give(tokens?: number): void
  visible(): number
}

let count = 0

export function testFifo(dir: string = tempDir()): TestFifo {
  const path = join(dir, `fifo-${++count}`)
  mkfifo(path)
  const opened = () => openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  const fd = opened()
  onTestFinished(() => closeSync(fd))
  return {
    path,
    opened,
    take: (tokens = 1) => {
      try {
        return readSync(fd, Buffer.alloc(tokens))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0
        throw error
      }
    },
    give: (tokens = 1) => {
      writeSync(fd, '+'.repeat(tokens))
    },
    visible: () => available(fd),
  }
}
