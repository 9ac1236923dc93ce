import type { Line } from '../format/line.ts'
import type { Extra } from './extra.ts'
import { addHeld, dropHeld } from './holders.ts'
import type { State } from './state.ts'
import { isFinished } from './table.ts'
import { withoutTargets } from './targets.ts'

export type TargetLine = Extract<Line, { op: 'queue' } | { op: 'unqueue' } | { op: 'notify' } | { op: 'notified' }>

/** The part of the fold that is about who is to be told of a job's end. False where it cannot have happened. */
export function changeTargets(state: State, row: number, line: TargetLine): boolean {
  const extra = state.extra(line.id)
  if (line.op === 'queue') {
    extra.targets = [...(extra.targets ?? []), line.target]
  } else if (line.op === 'unqueue') {
    takeOff(extra, line.targets)
  } else if (line.op === 'notify') {
    if (!isFinished(state.table.phase[row]!)) return false
    holdNotification(state, extra, line.id, { c: line.n, w: line.w, pid: line.pid })
  } else {
    if (extra.notify?.c !== line.c) return false
    dropNotification(state, extra, line.id)
    takeOff(extra, line.served)
    extra.tries = extra.targets ? extra.tries + 1 : 0
    extra.notifyAt = extra.targets ? (line.at ?? 0) : 0
  }
  ring(state, row, line.id, extra, line.t)
  return true
}

function takeOff(extra: Extra, targets: readonly unknown[]): void {
  const left = withoutTargets(extra.targets ?? [], targets)
  extra.targets = left.length > 0 ? left : undefined
}

export function ring(state: State, row: number, id: number, extra: Extra, now: number): void {
  if (!state.hasToTell(row, extra)) state.ringing.delete(id)
  else if (extra.notifyAt > now) state.timers.push(extra.notifyAt, id)
  else state.ringing.add(id)
}

export function holdNotification(
  state: State,
  extra: Extra,
  id: number,
  { c, w, pid }: { c: number; w: number; pid: number },
): void {
  dropNotification(state, extra, id)
  extra.notify = { c, w }
  state.ringing.delete(id)
  addHeld(state, w, pid, id)
}

export function dropNotification(state: State, extra: Extra, id: number): void {
  if (!extra.notify) return
  const { c, w } = extra.notify
  extra.notify = undefined
  dropHeld(state, w, id)
  state.watcher?.claimOver(c)
}
