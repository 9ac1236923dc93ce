import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { text } from 'node:stream/consumers'

/** How often memory is asked for. */
export const SAMPLE_MS = 50

/**
 * Runs a command below the meter, and returns what that has measured (`meter.c`). When `signal` says so, or this process
 * dies, the meter's standard input ends, and with it all that runs below: this waits for that.
 *
 * @param options.log the file that gets all that the command prints
 */
export async function metered(meter, argv, { cwd, env, log, signal }) {
  signal.throwIfAborted()
  const printed = openSync(log, 'w')
  const child = spawn(meter, [String(SAMPLE_MS), ...argv], { cwd, env, stdio: ['pipe', 'pipe', printed] })
  closeSync(printed)
  child.stdin.on('error', () => {})
  const end = () => child.stdin.end()
  signal.addEventListener('abort', end)
  try {
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
    signal.throwIfAborted()
    if (code !== 0) throw new Error(`the meter ended with status ${code}: ${log} says why`)
    return JSON.parse(output)
  } finally {
    signal.removeEventListener('abort', end)
  }
}
