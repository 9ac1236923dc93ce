import type { Way } from '../native/binding.ts'
import { END_OF_FILE, NO_TIMEOUT } from '../native/binding.ts'
import { native } from '../native/load.ts'
import { checked, EAGAIN, ETIMEDOUT } from '../native/system-error.ts'
import { cancelWait, giveBackAtExit, startWait } from '../native/waits.ts'
import { stopOnSignal } from './release-on-signal.ts'
import type { TokenSource } from './token-source.ts'
import { GONE, NONE } from './token-source.ts'
import { trace, tracing } from './trace.ts'

/**
 * The tokens of a jobserver. Takes both descriptors over; `own` says that their descriptions are ours alone and
 * non-blocking. What is out at `process.exit`, or when a worker thread ends, the addon gives back.
 */
export function channelSource(ends: { read: number; write: number; way: Way; own: boolean }): TokenSource {
  const binding = native()
  const channel = checked(binding.openChannel(ends.read, ends.write, ends.way, ends.own), 'openChannel')
  giveBackAtExit()
  stopOnSignal(stop)
  let waitId = 0

  const token = (result: number): number => {
    if (result >= 0) return result
    if (result === -EAGAIN || result === -ETIMEDOUT) return NONE
    if (tracing) trace('the jobserver answers no more: %s', result === END_OF_FILE ? 'end of file' : `errno ${-result}`)
    return GONE
  }

  return {
    take: () => token(binding.take(channel)),
    takeWithin: (timeout) =>
      token(binding.takeWithin(channel, timeout === Number.POSITIVE_INFINITY ? NO_TIMEOUT : timeout)),
    wait(deliver) {
      waitId = startWait(
        (native, id) => native.waitToken(id, channel, NO_TIMEOUT),
        (end) => {
          waitId = 0
          deliver(end.status === 'ready' ? token(end.value) : GONE)
        },
      )
      checked(waitId, 'waitToken')
    },
    cancel: () => waitId === 0 || cancelWait(waitId),
    flush: () => binding.deliver(),
    give(byte) {
      const result = binding.give(channel, byte)
      if (result < 0 && tracing) trace('a token could not be given back: errno %d', -result)
    },
    available: () => Math.max(0, binding.available(ends.read)),
    close() {
      binding.closeChannel(channel)
    },
  }
}

// One function for all channels: they are stopped together.
const stop = () => native().stop()
