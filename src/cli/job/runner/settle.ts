import type { JobslotError } from '../../../errors.ts'
import type { Job, JobState, JobStore, PulledJob } from '../../../store.ts'
import { patiently } from './passing.ts'
import type { Result } from './run.ts'

/** What has become of a job by a run. */
export interface Settled {
  /** `pending` or `delayed`: it will be run again. Null: the job is there no more. */
  state: JobState | null
  error: string | null
}

/** Tells the store of a run's result, and gives the claim back of one that has none. Waits no longer than until `end`. */
export async function settle(store: JobStore, job: PulledJob, result: Result, end: AbortSignal): Promise<Settled> {
  const tellStore = () => {
    if (!result) return job.release()
    if (result.ok) return job.fulfill(result.value)
    return job.fail(result.error, result.final ? { retry: false } : {})
  }
  try {
    // What was worked for is not thrown away for a disk that is full.
    await patiently(tellStore, end)
  } catch (error) {
    // Whoever took the job away has decided on it.
    if (!job.signal.aborted && (error as JobslotError).code !== 'ERR_JOBSLOT_CLAIM_LOST') throw error
  }
  const { state, error } = (await store.get(job.id)) ?? ({ state: null, error: null } as const)
  return { state, error: (error as Job['error'])?.message ?? null }
}
