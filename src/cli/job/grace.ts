import type { Job } from '../../store.ts'

/** How long a job's processes have to end after TERM, before KILL, where `job cancel` did not say. */
export const DEFAULT_GRACE_MS = 10_000

/** What `job cancel --grace` said of this job. */
export const graceOf = (job: Pick<Job, 'error'> | undefined, usual = DEFAULT_GRACE_MS): number =>
  job?.error?.grace ?? usual
