import type { JobLine, Line, Place } from '../format/line.ts'
import { type Extra, isIdle } from './extra.ts'
import { reviveDependents, tellDependents, waitFor } from './fold-dependents.ts'
import { changeTargets, dropNotification, ring } from './fold-targets.ts'
import { addHeld, dropHeld } from './holders.ts'
import type { State } from './state.ts'
import { ACTIVE, CANCELLED, FAILED, FULFILLED, isFinished, isThere, PENDING } from './table.ts'

type CreateLine = Omit<JobLine, 'id' | 'state'> & { state?: string }

/** What a line of the journal changes. */
export function applyLine(state: State, line: Line, place: Place, changed: number): void {
  if (line.op === 'create') {
    createJob(state, line.n, line, place, changed)
    return
  }
  if ('id' in line) {
    const row = state.table.find(line.id)
    if (row < 0) {
      state.impossible++
      return
    }
    state.table.changed[row] = changed
    if (!change(state, row, line, place)) state.impossible++
    return
  }
  if (line.op === 'pause') state.paused = true
  else if (line.op === 'resume') state.paused = false
  else if (line.op === 'snapshot') {
    state.snapshot = line.segment
    state.filed = 0
  } else if (line.op === 'forget') forget(state, line.ids)
}

export function createJob(state: State, id: number, line: CreateLine, place: Place, changed: number): number {
  const { table } = state
  const row = table.add(id)
  if (row < 0) {
    state.impossible++
    return -1
  }
  state.counts[PENDING]!++
  if (line.priority) table.priority[row] = line.priority
  table.at[row] = line.at ?? line.runAt ?? 0
  table.version[row] = 1
  putAt(state, row, place)
  table.changed[row] = changed
  if (line.key !== undefined) {
    state.extra(id).key = line.key
    if (!state.keys.has(line.key)) state.keys.set(line.key, id)
  }
  if (line.retention !== undefined) state.extra(id).retention = line.retention
  if (line.ttl !== undefined) {
    const deadline = line.t + line.ttl
    state.extra(id).deadline = deadline
    state.timers.push(deadline, id)
  }
  if (line.after) waitFor(state, id, line.after)
  if (line.state === undefined || line.state === 'pending') state.offer(row, line.t)
  return row
}

function putAt({ table }: State, row: number, { file, offset, length }: Place): void {
  table.file[row] = file
  table.offset[row] = offset
  table.length[row] = length
}

/** False where it cannot have happened. */
function change(state: State, row: number, line: Extract<Line, { id: number }>, place: Place): boolean {
  const { table } = state
  const phase = table.phase[row]!
  switch (line.op) {
    case 'queue':
    case 'unqueue':
    case 'notify':
    case 'notified':
      return changeTargets(state, row, line)
    case 'update':
      table.version[row] = line.version
      putAt(state, row, place)
      return true
    case 'claim':
      if (isFinished(phase)) return false
      claimJob(state, row, { claim: line.n, worker: line.w, pid: line.pid, now: line.t })
      table.attempt[row] = table.attempt[row]! + 1
      return true
    case 'progress':
      if (phase !== ACTIVE || table.claim[row] !== line.c) return false
      state.extra(line.id).progress = line.value
      return true
    case 'fulfill':
    case 'cancel':
      if (isFinished(phase)) return false
      finishJob(state, row, line.op === 'fulfill' ? FULFILLED : CANCELLED, line.t, place)
      if (line.op === 'fulfill' && line.file !== undefined) state.filed += line.bytes ?? 0
      return true
    case 'fail':
      if (isFinished(phase)) return false
      if (line.at === undefined) finishJob(state, row, FAILED, line.t, place)
      else {
        const extra = state.extra(line.id)
        extra.failures++
        extra.error = line.error
        pend(state, row, line.at, line.t)
      }
      return true
    case 'release':
      if (phase !== ACTIVE || table.claim[row] !== line.c) return false
      if (line.why !== 'released') state.extra(line.id).lost++
      pend(state, row, line.at ?? 0, line.t)
      return true
    case 'retry':
      if (phase !== FAILED && phase !== CANCELLED) return false
      again(state, row, line.id, line.t)
      return true
    case 'remove':
      remove(state, row, line.id)
      return true
  }
}

export function claimJob(
  state: State,
  row: number,
  { claim, worker, pid, now }: { claim: number; worker: number; pid: number; now: number },
): void {
  const { table } = state
  unclaim(state, row)
  setPhase(state, row, ACTIVE)
  table.claim[row] = claim
  table.worker[row] = worker
  table.at[row] = now
  addHeld(state, worker, pid, table.id[row]!)
}

function unclaim(state: State, row: number): void {
  const { table } = state
  if (table.phase[row] !== ACTIVE) return
  const claim = table.claim[row]!
  dropHeld(state, table.worker[row]!, table.id[row]!)
  state.watcher?.claimOver(claim)
}

function setPhase({ table, counts }: State, row: number, phase: number): void {
  counts[table.phase[row]!]!--
  counts[phase]!++
  table.phase[row] = phase
}

function pend(state: State, row: number, at: number, now: number): void {
  unclaim(state, row)
  setPhase(state, row, PENDING)
  state.table.at[row] = at
  state.offer(row, now)
}

export function finishJob(state: State, row: number, phase: number, now: number, place: Place): void {
  const { table } = state
  const id = table.id[row]!
  unclaim(state, row)
  setPhase(state, row, phase)
  table.at[row] = now
  table.endFile[row] = place.file
  table.endOffset[row] = place.offset
  table.endLength[row] = place.length
  const extra = state.extras.size > 0 ? state.extras.get(id) : undefined
  if (extra) finishExtra(state, row, id, extra, now)
  if (state.dependents.size > 0) tellDependents(state, id, phase === FULFILLED)
  state.watcher?.ended(id)
}

function finishExtra(state: State, row: number, id: number, extra: Extra, now: number): void {
  if (extra.key !== undefined && state.keys.get(extra.key) === id) state.keys.delete(extra.key)
  state.expired.delete(id)
  state.doomed.delete(id)
  extra.progress = undefined
  extra.error = undefined
  extra.deadline = 0
  ring(state, row, id, extra, now)
  if (isIdle(extra)) state.extras.delete(id)
}

function again(state: State, row: number, id: number, now: number): void {
  const extra = state.extras.get(id)
  setPhase(state, row, PENDING)
  state.table.at[row] = 0
  if (extra) {
    extra.failures = 0
    extra.error = undefined
    if (extra.key !== undefined && !state.keys.has(extra.key)) state.keys.set(extra.key, id)
    state.ringing.delete(id)
  }
  reviveDependents(state, id)
  state.offer(row, now)
}

function remove(state: State, row: number, id: number): void {
  unclaim(state, row)
  state.counts[state.table.phase[row]!]!--
  const extra = state.extras.get(id)
  if (extra) {
    dropNotification(state, extra, id)
    if (extra.key !== undefined && state.keys.get(extra.key) === id) state.keys.delete(extra.key)
    state.extras.delete(id)
  }
  state.ringing.delete(id)
  state.expired.delete(id)
  state.doomed.delete(id)
  tellDependents(state, id, false)
  state.dependents.delete(id)
  state.table.remove(row)
  state.watcher?.ended(id)
}

function forget(state: State, ranges: readonly (readonly [number, number])[]): void {
  const { table } = state
  for (const [first, last] of ranges) {
    for (let row = table.after(first - 1); row < table.count && table.id[row]! <= last; row++) {
      const id = table.id[row]!
      if (isThere(table.phase[row]!) && isFinished(table.phase[row]!)) remove(state, row, id)
    }
  }
  table.tidy()
}
