import { JobslotError } from '../../errors.ts'
import { retryAt } from '../calls/options.ts'
import { type JobEnds, PulledJob } from '../claims/pulled-job.ts'
import { claimLost, failed, noJob, wrongState } from '../errors.ts'
import type { Fact, JobError, Options, ReleaseReason, Value } from '../format/line.ts'
import { jobLineOf } from '../journal/stored-lines.ts'
import { stateOf } from '../state/job-state.ts'
import { forgettable } from '../state/retention.ts'
import { ACTIVE, FULFILLED, isFinished, PENDING } from '../state/table.ts'
import type { Ask } from './ask.ts'
import type { Batch } from './batch.ts'
import type { Context } from './context.ts'

/** The row of a job. @throws JobslotError `ERR_JOBSLOT_NO_JOB` */
export function rowOf({ state }: Batch, id: number): number {
  const row = state.table.find(id)
  if (row < 0) throw noJob(id)
  return row
}

/** What `create` answers with. */
export interface Created {
  /** The job's number. */
  id: number
  /** Of its request: 1 of a new job. */
  version: number
  /** There was an unfinished job with this key: it is that one. */
  existing: boolean
}

/** @param rest options and request as JSON, as they follow `"op":"create"` */
export function create(batch: Batch, options: Options, rest: string, ask: Ask<Created>): boolean {
  const { key, after } = options
  if (key !== undefined) {
    sweep(batch)
    if (!batch.touch(`key ${key}`)) return false
    const existing = batch.state.keys.get(key)
    if (existing !== undefined) {
      if (batch.isTouched(existing)) return false
      return ask.answer({ id: existing, version: batch.state.table.version[rowOf(batch, existing)]!, existing: true })
    }
  }
  for (const id of after ?? []) {
    if (batch.isTouched(id)) return false
    rowOf(batch, id)
  }
  // The request itself is only in the text.
  const id = batch.add({ op: 'create', ...options, request: null }, rest)
  return ask.answer({ id, version: 1, existing: false })
}

export function update(
  context: Context,
  batch: Batch,
  id: number,
  version: number,
  request: string,
  ask: Ask<number>,
): boolean {
  if (!batch.touch(id)) return false
  const row = rowOf(batch, id)
  const { table } = batch.state
  const found = table.version[row]!
  if (found !== version) {
    throw new JobslotError('ERR_JOBSLOT_CONFLICT', `job ${id} has version ${found}, not ${version}: read it again`)
  }
  if (isFinished(table.phase[row]!)) throw wrongState(id, 'updated', stateOf(batch.state, row, batch.now))
  const { priority, runAt, attempts, losses, backoff, after, key, ttl, timeout, retention, t, ...line } = jobLineOf(
    batch.state,
    context.engine,
    row,
  )
  const options = { priority, runAt, attempts, losses, backoff, after, key, ttl, timeout, retention }
  const created = 'created' in line ? (line.created as number) : t
  const fact = { op: 'update', id, version: version + 1, created, ...options } as const
  batch.add({ ...fact, request: null } as Fact, `${JSON.stringify(fact).slice(1, -1)},"request":${request}}`)
  return ask.answer(version + 1)
}

/** What time, or the end of another job, has made of jobs: told before anything is decided on them. */
export function sweep(batch: Batch): void {
  const { state } = batch
  state.due(batch.now)
  for (const id of state.expired) {
    const row = state.table.find(id)
    if (row >= 0 && state.table.phase[row] === PENDING && batch.touch(id)) batch.add({ op: 'fail', id, error: EXPIRED })
  }
  // And those that come after them, all at once.
  const doomed = [...state.doomed]
  for (const id of doomed) {
    const row = state.table.find(id)
    if (row < 0 || state.table.phase[row] !== PENDING || !batch.touch(id)) continue
    batch.add({ op: 'cancel', id, error: DOOMED })
    doomed.push(...(state.dependents.get(id) ?? []))
  }
}

const EXPIRED: JobError = { code: 'ERR_JOBSLOT_JOB_EXPIRED', message: 'it was not started within its ttl' }
const DOOMED: JobError = {
  code: 'ERR_JOBSLOT_JOB_DEPENDENCY',
  message: 'a job that it was to come after has failed, or was cancelled or removed',
}

/** The next job, claimed; undefined where there is none. */
export function pull(context: Context, ends: JobEnds, batch: Batch, ask: Ask<PulledJob | undefined>): boolean {
  const { state } = batch
  if (state.expired.size > 0 || state.doomed.size > 0 || state.timers.firstKey <= batch.now) sweep(batch)
  if (batch.isTouched('pause')) return false
  const id = state.paused ? undefined : state.nextReady()
  // What the batch has in it may be one that is free in a moment.
  if (id === undefined) return batch.lines.length > 0 ? false : ask.answer(undefined)
  // What can fail on a full disk or a damaged one comes first: a job that is taken and not claimed nobody here would see.
  const { own } = context.lives
  if (!batch.touch(id)) return false
  const row = state.table.find(id)
  const line = jobLineOf(state, context.engine, row)
  state.ready.pop()
  batch.taken.push(id)
  const claim = batch.add(
    { op: 'claim', id, w: own, pid: context.pid },
    `"op":"claim","id":${id},"w":${own},"pid":${context.pid}}`,
  )
  const version = state.table.version[row]!
  const attempt = state.table.attempt[row]! + 1
  const { timeout, request } = line
  return ask.answer(new PulledJob(ends, { id, request, version, attempt, claim, timeout }))
}

function isClaimed({ state: { table } }: Batch, { id, claim }: PulledJob): boolean {
  const row = table.find(id)
  return row >= 0 && table.phase[row] === ACTIVE && table.claim[row] === claim
}

/** The row of a job that runs by this claim. @throws JobslotError `ERR_JOBSLOT_CLAIM_LOST` */
function claimedRow(batch: Batch, job: PulledJob): number {
  const row = batch.state.table.find(job.id)
  if (isClaimed(batch, job)) return row
  const { lost } = PulledJob.claimOf(job)
  if (lost?.reason instanceof JobslotError && lost.reason.code === 'ERR_JOBSLOT_CLAIM_LOST') throw lost.reason
  const state = row < 0 ? 'removed' : stateOf(batch.state, row, batch.now)
  throw claimLost(job.id, `it is ${state}`)
}

/** Forgets finished jobs whose time of retention is over. */
export function forget(batch: Batch, retention: number, ask: Ask<number>): boolean {
  if (batch.lines.length > 0) return false
  batch.isFull = true
  const { ids, count } = forgettable(batch.state, batch.now, retention)
  if (ids.length > 0) batch.add({ op: 'forget', ids })
  return ask.answer(count)
}

/** With a claim, or, without one, of whatever job is not finished. */
export function fulfill(context: Context, batch: Batch, id: number, job: PulledJob | undefined, value: Value): boolean {
  if (!batch.touch(id)) return false
  if (job) {
    claimedRow(batch, job)
    PulledJob.claimOf(job).ended = true
  } else {
    const row = rowOf(batch, id)
    if (isFinished(batch.state.table.phase[row]!))
      throw wrongState(id, 'fulfilled', stateOf(batch.state, row, batch.now))
  }
  if (value.file !== undefined) requireFile(context, value.file)
  const c = job ? `,"c":${job.claim}` : ''
  batch.add({ op: 'fulfill', id, ...value }, `"op":"fulfill","id":${id}${c},${JSON.stringify(value).slice(1)}`)
  return true
}

/** A compaction may have taken it for a crash's leftover. */
function requireFile({ disk }: Context, name: string): void {
  const file = disk.open(name)
  if (!file) throw failed(disk.dir, new Error(`${name} is missing`))
  file.close()
}

/** @param retry what is to happen, whatever attempts are left */
export function fail(
  context: Context,
  batch: Batch,
  id: number,
  job: PulledJob | undefined,
  error: JobError,
  retry: boolean | undefined,
): boolean {
  if (!batch.touch(id)) return false
  const row = job ? claimedRow(batch, job) : rowOf(batch, id)
  const { state } = batch
  if (isFinished(state.table.phase[row]!)) throw wrongState(id, 'failed', stateOf(state, row, batch.now))
  const options = jobLineOf(state, context.engine, row)
  const failures = (state.extras.get(id)?.failures ?? 0) + 1
  const again = retry ?? failures < (options.attempts ?? 1)
  if (job) PulledJob.claimOf(job).ended = true
  const claim = job ? { c: job.claim } : {}
  const at = again ? { at: retryAt(options, failures, batch.now) } : {}
  batch.add({ op: 'fail', id, ...claim, error, ...at })
  return true
}

/** Where the claim is over, there is nothing to release. */
export function release(batch: Batch, job: PulledJob, delay: number): boolean {
  if (!batch.touch(job.id)) return false
  if (!isClaimed(batch, job)) return true
  PulledJob.claimOf(job).ended = true
  const at = delay > 0 ? { at: batch.now + delay } : {}
  batch.add({ op: 'release', id: job.id, c: job.claim, why: 'released', ...at })
  return true
}

export function progress(batch: Batch, job: PulledJob, value: unknown): boolean {
  if (!batch.touch(job.id)) return false
  claimedRow(batch, job)
  batch.add({ op: 'progress', id: job.id, c: job.claim, value })
  return true
}

export function cancel(batch: Batch, id: number, error: JobError): boolean {
  if (!batch.touch(id)) return false
  const row = rowOf(batch, id)
  if (isFinished(batch.state.table.phase[row]!)) throw wrongState(id, 'cancelled', stateOf(batch.state, row, batch.now))
  batch.add({ op: 'cancel', id, error })
  return true
}

export function retry(batch: Batch, id: number): boolean {
  if (!batch.touch(id)) return false
  const { state } = batch
  const row = rowOf(batch, id)
  const phase = state.table.phase[row]!
  if (!isFinished(phase) || phase === FULFILLED) throw wrongState(id, 'retried', stateOf(state, row, batch.now))
  const key = state.extras.get(id)?.key
  if (key !== undefined && (!batch.touch(`key ${key}`) || batch.isTouched(state.keys.get(key) ?? ''))) return false
  const other = key === undefined ? undefined : state.keys.get(key)
  if (other !== undefined) throw wrongState(id, 'retried', `no longer the one with its key: job ${other} is`)
  batch.add({ op: 'retry', id })
  return true
}

export function remove(batch: Batch, id: number): boolean {
  if (!batch.touch(id)) return false
  rowOf(batch, id)
  batch.add({ op: 'remove', id })
  return true
}

export function pause(batch: Batch, paused: boolean): boolean {
  if (!batch.touch('pause')) return false
  if (batch.state.paused !== paused) batch.add({ op: paused ? 'pause' : 'resume' })
  return true
}

/** A worker is dead, or shows no life: what it had claimed is free. */
export function reap(context: Context, batch: Batch, worker: number, why: ReleaseReason): boolean {
  const { state } = batch
  const held = [...(state.holders.get(worker) ?? [])]
  if (held.some((id) => batch.isTouched(id))) return false
  for (const id of held) {
    batch.touch(id)
    const row = state.table.find(id)
    const extra = state.extras.get(id)
    if (extra?.notify?.w === worker) batch.add({ op: 'notified', id, c: extra.notify.c, served: [] })
    else if (row >= 0 && state.table.phase[row] === ACTIVE && state.table.worker[row] === worker) {
      const { losses } = jobLineOf(state, context.engine, row)
      const c = state.table.claim[row]!
      const isLast = losses !== undefined && (extra?.lost ?? 0) + 1 >= losses
      if (isLast) batch.add({ op: 'fail', id, c, error: LOST })
      else batch.add({ op: 'release', id, c, why })
    }
  }
  return true
}

const LOST: JobError = { code: 'ERR_JOBSLOT_JOB_LOST', message: 'its worker was lost as often as it may be' }
