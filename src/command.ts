import type { StdioOptions } from 'node:child_process'
import { constants } from 'node:os'
import { native } from './native/load.ts'
import { EAGAIN } from './native/system-error.ts'
import { waitFor } from './native/waits.ts'

/** How often a command is looked at that cannot be waited for. */
const LOOK_MS = 50

/** As `EX_SOFTWARE` of sysexits.h. */
const UNKNOWN = 70

/** How a command ended. */
export type CommandEnd = { code: number; signal: null } | { code: null; signal: NodeJS.Signals }

export interface Command {
  readonly pid: number
  readonly ended: Promise<CommandEnd>
  kill(signal: NodeJS.Signals): void
}

/**
 * Starts a command by the addon: `node:child_process` takes a fifth of a Node's start to load, and forks. Null where it
 * cannot be started so, for whatever reason: `spawn` can, or knows what is the matter.
 */
export function startCommand(
  words: readonly string[],
  { env = process.env, stdio = 'inherit' }: { env?: NodeJS.ProcessEnv | undefined; stdio?: StdioOptions | undefined },
): Command | null {
  const fds = numbers(stdio)
  // The program is looked for along the PATH of this process.
  if (!fds || env.PATH !== process.env.PATH) return null
  const variables = Object.entries(env).filter(([, value]) => value !== undefined)
  const texts = [words, variables.map(([name, value]) => `${name}=${value}`)].map(zeroTerminated)
  const [command, environment] = texts
  if (!command || !environment) return null
  let pid: number
  try {
    pid = native().startCommand(command, environment, fds, fds.length)
  } catch {
    return null
  }
  return pid > 0 ? running(pid) : null
}

function running(pid: number): Command {
  let isOver = false
  const ended = (async () => {
    for (;;) {
      const end = await waitFor((binding, id) => binding.waitProcess(id, pid, false), 'pidfd_open', undefined).catch(
        () => null,
      )
      const status = native().commandStatus(pid)
      if (status === -EAGAIN) {
        // There may be no descriptor left for the wait; the command runs all the same.
        if (end?.status !== 'ready') await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
        continue
      }
      isOver = true
      return endOf(status)
    }
  })()
  return {
    pid,
    ended,
    kill(signal) {
      // Until its status is asked for, the number is its own.
      if (isOver) return
      try {
        process.kill(pid, signal)
      } catch {
        // It has become another user's, as sudo does; it runs on.
      }
    },
  }
}

/** A status that nobody can tell, as another has asked for it, is no success. */
function endOf(status: number): CommandEnd {
  if (status < 256) return { code: status < 0 ? UNKNOWN : status, signal: null }
  const [name] = Object.entries(constants.signals).find(([, number]) => number === status - 256) ?? ['SIGKILL']
  return { code: null, signal: name as NodeJS.Signals }
}

/** Which descriptors of this process the command's are; null where they are not all such. */
function numbers(stdio: StdioOptions): Int32Array | null {
  if (typeof stdio === 'string') return stdio === 'inherit' ? Int32Array.of(0, 1, 2) : null
  const fds = new Int32Array(Math.max(3, stdio.length)).fill(-1)
  for (const [number, what] of stdio.entries()) {
    if (what === 'inherit') fds[number] = number
    else if (typeof what === 'number') fds[number] = what
    else if (number < 3 || (what !== 'ignore' && what !== undefined && what !== null)) return null
  }
  return stdio.length >= 3 ? fds : null
}

function zeroTerminated(texts: readonly string[]): Uint8Array | null {
  if (texts.some((text) => text.includes('\0'))) return null
  return Buffer.from(texts.map((text) => `${text}\0`).join(''))
}
