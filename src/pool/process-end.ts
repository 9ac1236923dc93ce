import { ESRCH } from '../native/system-error.ts'
import { cancelWait, startWait } from '../native/waits.ts'
import { hasEnded, ownPid, readProcess } from '../proc.ts'

const ASK_MS = 100

export interface ProcessEndOptions {
  signal?: AbortSignal | undefined
  /** Whether the wait keeps this process alive. Default false. */
  ref?: boolean | undefined
}

/**
 * Resolves when a process, anyone's, has ended. A zombie has. The kernel tells by a pidfd; where it does not (macOS, old
 * Linux, no descriptor free) the process is asked after each 100 ms.
 *
 * @param startTime as /proc tells it (`readProcess`): a later process of the same number is another. '' where it is not
 *   known.
 * @throws the signal's reason
 */
export function processEnd(pid: number, startTime: string, options: ProcessEndOptions = {}): Promise<void> {
  const { signal, ref = false } = options
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    let stop = () => {}
    const onAbort = () => {
      stop()
      reject(signal?.reason)
    }
    const onEnd = () => {
      stop()
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    const id = startWait(
      (binding, id) => binding.waitProcess(id, pid, !ref),
      (end) => (end.status === 'ready' ? onEnd() : ask()),
    )
    const ask = () => {
      const timer = setInterval(() => !lives(pid, startTime) && onEnd(), ASK_MS)
      if (!ref) timer.unref()
      stop = () => clearInterval(timer)
    }
    if (id >= 0) stop = () => cancelWait(id)
    else if (id !== -ESRCH) ask()
    // After the wait began: it may be a wait for another process, which got the number meanwhile.
    if (id === -ESRCH || !lives(pid, startTime)) onEnd()
  })
}

function lives(pid: number, startTime: string): boolean {
  const entry = readProcess(pid)
  // Without /proc.
  if (!entry) return readProcess(ownPid()) === null && !hasEnded(pid)
  return !entry.ended && (startTime === '' || entry.startTime === startTime)
}
