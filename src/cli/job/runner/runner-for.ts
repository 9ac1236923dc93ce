import { statSync } from 'node:fs'
import { basename, extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { thisProcess } from '../../../pool/this-process.ts'
import type { JobStore, PulledJob } from '../../../store.ts'
import { UsageError } from '../../exit-codes.ts'
import { graceOf } from '../grace.ts'
import type { Leftovers } from './leftovers.ts'
import { ModuleRunner } from './module-runner.ts'
import { ProcessRunner } from './process-runner.ts'
import type { Runner } from './run.ts'
import { addWorkerMark, RUN_VARIABLE } from './run-marks.ts'
import type { WorkWords } from './words.ts'

/** What runs the jobs, as the command line says. */
export function runnerFor(
  { command, module, grace }: WorkWords,
  { store, leftovers, env }: { store: JobStore; leftovers: Leftovers; env: NodeJS.ProcessEnv },
): Runner {
  const graceFor = async ({ id }: PulledJob) => graceOf(await store.get(id).catch(() => undefined), grace)
  if (module !== null) {
    const { url, name } = findModule(module)
    const mark = addWorkerMark(process.env[RUN_VARIABLE], leftovers.mark, thisProcess())
    const ofWorkers = { ...process.env, ...env, JOBSLOT_STORE: store.dir, [RUN_VARIABLE]: mark }
    return new ModuleRunner({ store, url, name, env: ofWorkers, graceFor })
  }
  return new ProcessRunner({ store, leftovers, command, env, graceFor })
}

/** @throws UsageError */
function findModule(file: string): { url: string; name: string } {
  const path = resolve(file)
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) throw new UsageError(`job work: there is no module ${path}`)
  return { url: pathToFileURL(path).href, name: basename(path, extname(path)) }
}
