import { JobslotError } from '../errors.ts'

/** What `take` answers when nothing is free now. */
export const NONE = -1
/** What `take` answers when the server has gone: no token will ever come. */
export const GONE = -2

/**
 * Where tokens come from and go back to. A token is a number from 0 to 255: the byte as it was read.
 */
export interface TokenSource {
  /** A token, NONE or GONE; never waits. */
  take(): number
  /** As `take`, blocking the thread for at most `timeout` ms (for ever if Infinity). */
  takeWithin(timeout: number): number
  /** Waits for one token on another thread: `deliver` is called once with a token or GONE, unless `cancel` succeeds. */
  wait(deliver: (token: number) => void): void
  /** False: the wait has its token, and `deliver` is on its way. */
  cancel(): boolean
  /** Delivers at once what is on its way. */
  flush(): void
  give(token: number): void
  /** Tokens that lie ready now. */
  available(): number
  close(): void
}

/** No tokens at all: a limit of one, or a jobserver that cannot be used. */
export const emptySource: TokenSource = {
  take: () => GONE,
  takeWithin: () => GONE,
  wait: () => {},
  cancel: () => true,
  flush: () => {},
  give: () => {},
  available: () => 0,
  close: () => {},
}

/** `count` tokens of this process's own, for `connect({ fallback })`. */
export function localSource(count: number): TokenSource {
  let free = count
  let waiting: ((token: number) => void) | undefined
  const take = () => {
    if (free === 0) return NONE
    free--
    return 0
  }
  return {
    take,
    takeWithin() {
      const token = take()
      if (token !== NONE) return token
      throw new JobslotError(
        'ERR_JOBSLOT_DEADLOCK',
        'every slot is held by this thread, which would wait for itself: release one first, or use acquire()',
      )
    },
    wait(deliver) {
      waiting = deliver
    },
    cancel() {
      waiting = undefined
      return true
    },
    flush() {},
    give() {
      const deliver = waiting
      waiting = undefined
      if (deliver) deliver(0)
      else free++
    },
    available: () => free,
    close() {},
  }
}
