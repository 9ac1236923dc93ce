import type { State } from './state.ts'
import { FULFILLED, isFinished, PENDING, type Table } from './table.ts'

/** The part of the fold that is about jobs which wait for others: `after`. */
export function waitFor(state: State, id: number, after: readonly number[]): void {
  const { table, dependents } = state
  const left = unfinishedOf(table, after)
  if (left.length === 0) return
  state.extra(id).after = new Set(left)
  for (const dependency of left) {
    const list = dependents.get(dependency)
    if (list) list.push(id)
    else dependents.set(dependency, [id])
    if (isFinished(table.phase[table.find(dependency)]!)) state.doomed.add(id)
  }
}

/** A job has come to an end: those that wait for it are free, or will never be. */
export function tellDependents(state: State, id: number, fulfilled: boolean): void {
  for (const dependent of state.dependents.get(id) ?? []) {
    const row = state.table.find(dependent)
    if (row < 0 || state.table.phase[row] !== PENDING) continue
    if (!fulfilled) {
      state.doomed.add(dependent)
      continue
    }
    const after = state.extras.get(dependent)?.after
    if (after?.delete(id) && after.size === 0) state.offer(row, 0)
  }
  if (fulfilled) state.dependents.delete(id)
}

/** A job runs again: what it waits for may have come to an end meanwhile, and those that wait for it have hope. */
export function reviveDependents(state: State, id: number): void {
  const after = state.extras.get(id)?.after
  for (const dependency of after ?? [])
    if (unfinishedOf(state.table, [dependency]).length === 0) after?.delete(dependency)
  for (const dependent of state.dependents.get(id) ?? [])
    if (!waitsInVain(state, dependent)) state.doomed.delete(dependent)
}

function waitsInVain({ table, extras }: State, id: number): boolean {
  return [...(extras.get(id)?.after ?? [])].some((other) => {
    const row = table.find(other)
    return row < 0 || isFinished(table.phase[row]!)
  })
}

/** Those of the jobs that are not fulfilled. One that is gone was, as far as anyone can tell. */
function unfinishedOf(table: Table, ids: readonly number[]): number[] {
  return ids.filter((id) => {
    const row = table.find(id)
    return row >= 0 && table.phase[row] !== FULFILLED
  })
}
