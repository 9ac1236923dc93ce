import { Notification } from '../claims/notification.ts'
import { claimLost } from '../errors.ts'
import { jobErrorOf } from '../format/job-error.ts'
import type { JobError, Value } from '../format/line.ts'
import { endLineOf } from '../journal/stored-lines.ts'
import { readValue } from '../journal/value.ts'
import { stateOf } from '../state/job-state.ts'
import { FULFILLED, isFinished } from '../state/table.ts'
import { withoutTargets } from '../state/targets.ts'
import type { Ask } from './ask.ts'
import type { Batch } from './batch.ts'
import type { Context } from './context.ts'
import { rowOf } from './operations.ts'

/** Whether the job has finished, so that its targets can be told at once. */
export function queue(batch: Batch, id: number, target: unknown, ask: Ask<boolean>): boolean {
  if (!batch.touch(id)) return false
  const row = rowOf(batch, id)
  batch.add({ op: 'queue', id, target })
  return ask.answer(isFinished(batch.state.table.phase[row]!))
}

export function unqueue(batch: Batch, id: number, targets: readonly unknown[]): boolean {
  if (!batch.touch(id)) return false
  rowOf(batch, id)
  const found = batch.state.extras.get(id)?.targets
  if (found && withoutTargets(found, targets).length < found.length)
    batch.add({ op: 'unqueue', id, targets: [...targets] })
  return true
}

/**
 * The next job whose targets are to be told; undefined where there is none.
 *
 * @param wanted this one, if it has any, though they are not to be tried again yet
 */
export function pullNotification(
  context: Context,
  done: (notification: Notification, served: readonly unknown[]) => Promise<void>,
  batch: Batch,
  wanted: number | undefined,
  ask: Ask<Notification | undefined>,
): boolean {
  const { state } = batch
  state.due(batch.now)
  if (wanted !== undefined && batch.isTouched(wanted)) return false
  const id = wanted === undefined ? firstOf(state.ringing, batch) : state.mayRing(wanted) ? wanted : undefined
  // What the batch has in it may be one that rings in a moment.
  if (id === undefined) return batch.lines.length > 0 ? false : ask.answer(undefined)
  batch.touch(id)
  const row = rowOf(batch, id)
  const end = endLineOf(state, context.engine.loaded.files, row)
  const { value, error } =
    state.table.phase[row] === FULFILLED ? storedValue(context, end) : { value: undefined, error: end.error }
  const claim = batch.add({ op: 'notify', id, w: context.lives.own, pid: context.pid })
  const waiting = structuredClone(state.extras.get(id)?.targets ?? [])
  const about = { id, state: stateOf(state, row, batch.now) as Notification['state'], value, error, waiting, claim }
  return ask.answer(new Notification(about, done))
}

export function notified(batch: Batch, notification: Notification, served: readonly unknown[]): boolean {
  const { id, claim } = notification
  if (!batch.touch(id)) return false
  const extra = batch.state.extras.get(id)
  if (extra?.notify?.c !== claim) throw claimLost(id, 'to tell of its end')
  Notification.claimOf(notification).ended = true
  const isRest = withoutTargets(extra.targets ?? [], served).length > 0
  const at = isRest ? { at: batch.now + Math.min(FIRST_PAUSE_MS * 2 ** extra.tries, LONGEST_PAUSE_MS) } : {}
  batch.add({ op: 'notified', id, c: claim, served: [...served], ...at })
  return true
}

const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 60_000

/** A value that is damaged is told as an error: one that could not be told at all would be in the way of all others. */
function storedValue({ disk }: Context, end: Value): { value: Buffer | undefined; error: JobError | undefined } {
  try {
    return { value: readValue(disk, end), error: undefined }
  } catch (error) {
    return { value: undefined, error: jobErrorOf(error) }
  }
}

function firstOf(ringing: ReadonlySet<number>, batch: Batch): number | undefined {
  for (const id of ringing) if (!batch.isTouched(id)) return id
  return undefined
}
