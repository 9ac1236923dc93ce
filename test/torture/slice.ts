import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processesWhere } from '../broker/named.ts'
import { Scope } from '../support/at-end.ts'
import { Storm, type StormOptions } from './storm.ts'

/** Stands in the environment of all that a storm starts. */
const MARK = 'TORTURE_FOLDER'

/** By storm: how many descriptors were open after each turn. */
const counted = new Map<string, number[]>()
/** What is made once for the life of a process is no leak: in the second turn of a storm all have had a first. */
const SETTLED = 2

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
    await untilAborted(
      scope.run(() => run(storm)),
      options.signal,
    )
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
    const counts = counted.get(name) ?? []
    const most = counts.length < SETTLED ? Number.POSITIVE_INFINITY : Math.max(...counts)
    await storm.soon(
      () => descriptors() <= most,
      2000,
      () => `${descriptors() - most} descriptors are left`,
    )
    if (counts.length < SETTLED) counted.set(name, [...counts, descriptors()])
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

async function untilAborted(work: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  let stop = () => {}
  const stopped = new Promise<void>((resolve) => {
    stop = resolve
  })
  signal?.addEventListener('abort', stop)
  try {
    await Promise.race([work, stopped])
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}
