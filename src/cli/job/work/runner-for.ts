import type { JobStore, PulledJob } from '../../../store.ts'
import { graceOf } from '../grace.ts'
import type { Leftovers } from './leftovers.ts'
import { ProcessRunner } from './process-runner.ts'
import type { Runner } from './run.ts'
import type { WorkWords } from './words.ts'

/** What runs the jobs, as the command line says. */
export function runnerFor(
  { command, grace }: WorkWords,
  { store, leftovers, env }: { store: JobStore; leftovers: Leftovers; env: NodeJS.ProcessEnv },
): Runner {
  const graceFor = async ({ id }: PulledJob) => graceOf(await store.get(id).catch(() => undefined), grace)
  return new ProcessRunner({ store, leftovers, command, env, graceFor })
}
