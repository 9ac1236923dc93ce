import { setTimeout as sleep } from 'node:timers/promises'
import type { JobslotError } from '../../../errors.ts'
import type { Job, JobState, JobStore, PulledJob } from '../../../store.ts'
import { tell } from '../../messages.ts'
import type { Result } from './run.ts'

/** What has become of a job by a run. */
export interface Settled {
  /** `pending` or `delayed`: it will be run again. Null: the job is there no more. */
  state: JobState | null
  error: string | null
}

const PAUSE_MS = 5000

/** Tells the store of a run's result, and gives the claim back of one that has none. */
export async function settle(store: JobStore, job: PulledJob, result: Result): Promise<Settled> {
  await untilWritten(job, () => {
    if (!result) return job.release()
    if (result.ok) return job.fulfill(result.value)
    return job.fail(result.error, result.final ? { retry: false } : {})
  })
  const { state, error } = (await store.get(job.id)) ?? ({ state: null, error: null } as const)
  return { state, error: (error as Job['error'])?.message ?? null }
}

/**
 * A result that cannot be written now is not thrown away: a disk gets room again, and a stopped process may go on. Ends
 * when it is written, when the claim is lost, or by another error.
 */
async function untilWritten(job: PulledJob, write: () => Promise<void>): Promise<void> {
  let told = ''
  for (;;) {
    try {
      return await write()
    } catch (error) {
      const { code, message } = error as JobslotError
      // Whoever took it away has decided on it.
      if (code === 'ERR_JOBSLOT_CLAIM_LOST') return
      if (!PASSING.includes(code) || job.signal.aborted) throw error
      if (message !== told) tell(message)
      told = message
      await sleep(PAUSE_MS, undefined, { signal: job.signal }).catch(() => {})
    }
  }
}

const PASSING: readonly string[] = ['ERR_JOBSLOT_STORE_IO', 'ERR_JOBSLOT_STORE_BUSY']
