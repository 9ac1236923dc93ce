import { noJob } from '../../store/errors.ts'
import { type Job, JobStore } from '../../store.ts'
import { dirForNew, dirOfStore } from './place.ts'

/** Opens the store that is there, for as long as `use` takes. */
export async function withStore<T>(dir: string | undefined, use: (store: JobStore) => Promise<T>): Promise<T> {
  const store = await JobStore.open({ dir: dirOfStore(dir), label: 'jobslot job' })
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}

/** Opens the store, which is made where there is none. */
export function openOrMake(dir: string | undefined, label: string): Promise<JobStore> {
  return JobStore.open({ dir: dirForNew(dir), label })
}

/** @throws JobslotError `ERR_JOBSLOT_NO_JOB` */
export async function found(store: JobStore, id: number): Promise<Job & { value: Buffer | null }> {
  const job = await store.get(id)
  if (!job) throw noJob(id)
  return job
}
