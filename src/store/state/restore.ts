import type { JobLine, Place } from '../format/line.ts'
import { claimJob, createJob, finishJob } from './fold.ts'
import { holdNotification } from './fold-targets.ts'
import type { State } from './state.ts'
import { CANCELLED, FAILED, FULFILLED } from './table.ts'

/** What a snapshot's line says of a job, put into a state. */
export function restoreJob(state: State, job: JobLine, place: Place): void {
  const row = createJob(state, job.id, job, place, 0)
  if (row < 0) return
  const { table } = state
  table.version[row] = job.version ?? 1
  table.attempt[row] = job.attempt ?? 0
  if (job.failures || job.lost || job.progress !== undefined || job.targets || job.tries || job.notifyAt) {
    const extra = state.extra(job.id)
    extra.failures = job.failures ?? 0
    extra.lost = job.lost ?? 0
    extra.error = job.error
    if (job.progress !== undefined) extra.progress = job.progress
    extra.targets = job.targets
    extra.tries = job.tries ?? 0
    extra.notifyAt = job.notifyAt ?? 0
  }
  if (job.state === 'active') {
    claimJob(state, row, { claim: job.claim ?? 0, worker: job.w ?? 0, pid: job.pid ?? 0, now: job.claimed ?? 0 })
  } else if (job.state !== 'pending') {
    const phase = job.state === 'fulfilled' ? FULFILLED : job.state === 'failed' ? FAILED : CANCELLED
    finishJob(state, row, phase, job.finished ?? 0, place)
    if (job.notify) holdNotification(state, state.extra(job.id), job.id, job.notify)
  }
}
