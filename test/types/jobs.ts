// As slots.ts: `jobslot/store` and `jobslot/compat/fs-job-store`.
import OldStore from 'jobslot/compat/fs-job-store'
import {
  addJob,
  type Created,
  type Job,
  type JobOptions,
  type JobState,
  JobStore,
  type Notification,
  type PulledJob,
  type Report,
  type Stats,
  type StoreEvent,
} from 'jobslot/store'
import { exact } from './exact.ts'

export async function creating(store: JobStore, perhaps: number | undefined) {
  const options: JobOptions = {
    priority: perhaps,
    delay: perhaps,
    attempts: 3,
    backoff: { delay: 10, factor: perhaps },
  }
  exact<JobStore>()(await JobStore.open({ dir: 'jobs', durability: 'os', lease: perhaps, respond: () => [] }))
  exact<Created>()(await store.create({ any: ['json'] }, options))
  exact<Created[]>()(await store.createMany([1, 'two'], { after: [1, '2'], runAt: new Date() }))
  exact<Created>()(await addJob('request', { dir: 'jobs', key: 'one' }))
  // @ts-expect-error: where
  await JobStore.open({})
  // @ts-expect-error: no such durability
  await JobStore.open({ dir: 'jobs', durability: 'memory' })
  // @ts-expect-error: only `open` makes one
  new JobStore()
  // @ts-expect-error: milliseconds
  await store.create('request', { timeout: '1 min' })
  // @ts-expect-error: where
  await addJob('request', { key: 'one' })
}

export async function running(store: JobStore, signal: AbortSignal | undefined) {
  exact<PulledJob | undefined>()(await store.pullJob())
  exact<PulledJob | undefined>()(await store.pullJob({ wait: false, signal }))
  exact<PulledJob>()(await store.pullJob({ wait: true, signal }))
  exact<Notification>()(await store.pullNotification({ wait: true }))
  exact<Notification | undefined>()(await store.pullNotification())
  await using job = await store.pullJob({ wait: true })
  exact<unknown>()(job.request)
  exact<AbortSignal>()(job.signal)
  exact<void>()(await job.fulfill(Buffer.from('value')))
  exact<void>()(await job.fail(new Error('why'), { retry: false }))
  exact<void>()(await job.release({ delay: 10 }))
  job.oncompromised = (reason) => exact<unknown>()(reason)
  job.oncompromised = undefined
  // @ts-expect-error: text or bytes
  await job.fulfill({ any: 'json' })
  // @ts-expect-error: what was asked for is for whoever reads it to check
  job.request.file
  // @ts-expect-error: there may be none
  await (await store.pullJob()).fulfill()
}

export async function looking(store: JobStore, id: number | string) {
  exact<(Job & { value: Buffer | null }) | undefined>()(await store.get(id))
  exact<Job & { value: Buffer | null }>()(await store.wait(id, { timeout: 5 }))
  const { jobs, cursor } = await store.list({ state: ['failed', 'cancelled'], limit: 10, after: null })
  exact<Job[]>()(jobs)
  exact<number | null>()(cursor)
  exact<Stats>()(await store.stats())
  exact<number>()((await store.stats()).pending)
  exact<Report>()(await store.verify())
  exact<boolean>()(await store.compact())
  exact<number>()(await store.update(id, 1, 'request'))
  for await (const event of store.events({ from: 0 })) exact<StoreEvent>()(event)
  exact<'delayed' | 'pending' | 'active' | 'fulfilled' | 'failed' | 'cancelled'>()({} as JobState)
  // @ts-expect-error: no such state
  await store.list({ state: 'done' })
  // @ts-expect-error: an id
  await store.get({ id })
  await using _store = store
}

export function oldStore() {
  const store = new OldStore({ dir: 'jobs', respond: (_target, { value }, done) => done(value === undefined) })
  store.create({ any: 'json' }, (error, created) => {
    exact<Error | null>()(error)
    exact<string | undefined>()(created?.id)
  })
  store.pullJob((_error, job) => exact<OldStore.Job | undefined>()(job))
  store.onresponsefailure = ({ id, errors }: OldStore.ResponseFailure) => exact<string>()(id + errors.length)
  // @ts-expect-error: what it claims is called back
  store.pullJob()
  // @ts-expect-error: where
  new OldStore({})
}
