/** The exports of `jobslot/store`: jobs that outlive a crash, in a folder. */
import type { JobStore as Store } from './store/job-store.ts'
import { openStore } from './store/open.ts'

export { JobslotError } from './errors.ts'
export { type AddOptions, addJob } from './store/add-job.ts'
export type { ListOptions, PullOptions, Stats, WaitOptions } from './store/calls.ts'
export type { EventOptions, StoreEvent } from './store/events.ts'
export type { JobState } from './store/job-state.ts'
export type { JobError } from './store/line.ts'
export type { Notification } from './store/notification.ts'
export type { OpenOptions } from './store/open.ts'
export type { Created } from './store/operations.ts'
export type { JobOptions } from './store/options.ts'
export type { PulledJob } from './store/pulled-job.ts'
export type { Respond, RespondFailure } from './store/responder.ts'
export type { ValueInput } from './store/value.ts'
export type { Report } from './store/verify.ts'
export type { Job } from './store/view.ts'

export type JobStore = Store

export const JobStore = {
  /** Opens the store in a folder, and makes it where there is none. */
  open: openStore,
}
