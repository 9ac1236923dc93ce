import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processesWhere } from '../broker/named.ts'
import { Scope } from '../support/at-end.ts'
import { Storm, type StormOptions } from './storm.ts'

/** Stands in the environment of all that a storm starts. */
const MARK = 'TORTURE_FOLDER'

/** By storm: how many descriptors its first turn has left. What is made once for the life of a process is no leak. */
const settled = new Map<string, number>()

/**
 * One turn of one storm, with what it uses in a folder of its own. Whatever its own checker looks at: no process that was
 * started in it, no file and no descriptor may be left.
 */
export async function runSlice(
  name: string,
  run: (storm: Storm) => Promise<unknown>,
  options: StormOptions,
): Promise<Storm> {
  const storm = new Storm(options)
  const folder = mkdtempSync(join(tmpdir(), 'torture-'))
  const before = process.env.TMPDIR
  process.env.TMPDIR = folder
  process.env[MARK] = folder
  const scope = new Scope()
  try {
    await Promise.race([scope.run(() => run(storm)), whenAborted(options.signal)])
    await storm.soon(
      () => started(folder).length === 0,
      5000,
      () => `processes are left: ${started(folder)}`,
    )
  } catch (error) {
    if (!storm.isStopped) storm.check(false, (error as Error).stack ?? String(error))
  } finally {
    await scope.end().catch((error) => storm.check(storm.isStopped, `cleaning up failed: ${error}`))
    for (const pid of started(folder)) process.kill(pid, 'SIGKILL')
    delete process.env[MARK]
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  }
  const left = readdirSync(folder)
  if (!storm.isStopped) {
    storm.check(left.length === 0, `files are left: ${left}`)
    const most = settled.get(name) ?? Number.POSITIVE_INFINITY
    await storm.soon(
      () => descriptors() <= most,
      2000,
      () => `${descriptors() - most} descriptors are left`,
    )
    settled.set(name, Math.min(most, descriptors()))
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  return storm
}

/** What runs with this folder in its environment: children have it from this process. */
function started(folder: string): number[] {
  const mark = `${MARK}=${folder}\0`
  return processesWhere((pid) => pid !== process.pid && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark))
}

const descriptors = (): number => readdirSync('/proc/self/fd').length

function whenAborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => signal?.addEventListener('abort', () => resolve()))
}
