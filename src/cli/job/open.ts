import { noJob } from '../../store/errors.ts'
import { type Job, JobStore } from '../../store.ts'
import { tell, visible } from '../messages.ts'
import { dirForNew, dirOfStore, hasStore } from './place.ts'

/** Opens the store that is there, for as long as `use` takes. */
export async function withStore<T>(dir: string | undefined, use: (store: JobStore) => Promise<T>): Promise<T> {
  const store = await JobStore.open({ dir: dirOfStore(dir), label: 'jobslot job' })
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}

/** Opens the store, which is made where there is none: told, as a name may be mistyped. */
export async function openOrMake(option: string | undefined, label: string): Promise<JobStore> {
  const dir = dirForNew(option)
  const isThere = hasStore(dir)
  const store = await JobStore.open({ dir, label })
  if (!isThere) tell(`made a job store in ${visible(dir)}`)
  return store
}

/** @throws JobslotError `ERR_JOBSLOT_NO_JOB` */
export async function found(store: JobStore, id: number): Promise<Job & { value: Buffer | null }> {
  const job = await store.get(id)
  if (!job) throw noJob(id)
  return job
}
