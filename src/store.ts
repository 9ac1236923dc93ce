/**
 * `jobslot/store`: jobs that outlive a crash, in a folder that several processes share. Times are milliseconds.
 *
 * @module jobslot/store
 */
import type { JobStore as Store } from './store/job-store.ts'
import { type OpenOptions, openStore } from './store/open.ts'

export { JobslotError } from './errors.ts'
export { type AddOptions, addJob } from './store/add-job.ts'
export type { ListOptions, PullOptions, Stats, WaitOptions } from './store/calls/calls.ts'
export type { JobOptions } from './store/calls/options.ts'
export type { Job } from './store/calls/view.ts'
export type { Notification } from './store/claims/notification.ts'
export type { PulledJob } from './store/claims/pulled-job.ts'
export type { Respond, RespondFailure } from './store/claims/responder.ts'
export type { Durable as Durability } from './store/disk/folder.ts'
export type { Created } from './store/engine/operations.ts'
export type { EventOptions, StoreEvent } from './store/events.ts'
export type { JobError } from './store/format/line.ts'
export type { Damage } from './store/journal/journal.ts'
export type { ValueInput } from './store/journal/value.ts'
export type { Report } from './store/journal/verify.ts'
export type { OpenOptions } from './store/open.ts'
export type { JobState } from './store/state/job-state.ts'

/**
 * Jobs in a folder, shared with other processes. An id may be a number or the same as a string. With the durability
 * `disk`, no promise resolves before all that its answer rests on is on disk.
 *
 * Any call may reject with JobslotError `ERR_JOBSLOT_STORE_IO` (no room, no right, a failing disk),
 * `ERR_JOBSLOT_STORE_BUSY` (a process was stopped in the midst of an append) and `ERR_JOBSLOT_CLOSED`, and with a TypeError
 * of wrong arguments. An open store keeps no process alive; a call that waits does. `await using` closes it.
 *
 * @interface
 */
export type JobStore = Store

/**
 * Opens stores: `await JobStore.open({ dir })`.
 *
 * @example
 * ```js
 * import { JobStore } from 'jobslot/store'
 *
 * const store = await JobStore.open({ dir: 'jobs' })
 * const { id } = await store.create({ file: 'a.c' })
 * const job = await store.pullJob()
 * await job.fulfill('a.o')
 * console.log(String((await store.wait(id)).value))
 * await store.close()
 * ```
 */
export const JobStore: {
  /**
   * Opens the store in a folder, and makes it where there is none.
   *
   * @throws JobslotError `ERR_JOBSLOT_STORE`, `ERR_JOBSLOT_STORE_BUSY`, `ERR_JOBSLOT_STORE_IO`; TypeError for options that
   * are none
   */
  open(options: OpenOptions): Promise<JobStore>
} = { open: openStore }
