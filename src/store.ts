/** The exports of `jobslot/store`: jobs that outlive a crash, in a folder. */
import type { JobStore as Store } from './store/job-store.ts'
import { openStore } from './store/open.ts'

export { JobslotError } from './errors.ts'
export { type AddOptions, addJob } from './store/add-job.ts'
export type { ListOptions, PullOptions, Stats, WaitOptions } from './store/calls/calls.ts'
export type { JobOptions } from './store/calls/options.ts'
export type { Job } from './store/calls/view.ts'
export type { Notification } from './store/claims/notification.ts'
export type { PulledJob } from './store/claims/pulled-job.ts'
export type { Respond, RespondFailure } from './store/claims/responder.ts'
export type { Created } from './store/engine/operations.ts'
export type { EventOptions, StoreEvent } from './store/events.ts'
export type { JobError } from './store/format/line.ts'
export type { ValueInput } from './store/journal/value.ts'
export type { Report } from './store/journal/verify.ts'
export type { OpenOptions } from './store/open.ts'
export type { JobState } from './store/state/job-state.ts'

export type JobStore = Store

export const JobStore = {
  /** Opens the store in a folder, and makes it where there is none. */
  open: openStore,
}
