import type { State } from './state.ts'
import { isFinished, isThere } from './table.ts'

/** The finished jobs that need no longer be kept, as ranges in which there are no others. Pure. */
export function forgettable(state: State, now: number, retention: number): { ids: [number, number][]; count: number } {
  const { table } = state
  const ids: [number, number][] = []
  let open: [number, number] | undefined
  let count = 0
  for (let row = 0; row < table.count; row++) {
    if (!isThere(table.phase[row]!)) continue
    const id = table.id[row]!
    if (!isForgettable(state, row, now, retention)) {
      open = undefined
      continue
    }
    count++
    if (open) open[1] = id
    else {
      open = [id, id]
      ids.push(open)
    }
  }
  return { ids, count }
}

function isForgettable(state: State, row: number, now: number, retention: number): boolean {
  const { table } = state
  if (!isFinished(table.phase[row]!)) return false
  const id = table.id[row]!
  const extra = state.extras.size > 0 ? state.extras.get(id) : undefined
  // Somebody is still to be told, or waits for it to be run again.
  if (extra?.targets || extra?.notify || state.dependents.has(id)) return false
  return table.at[row]! + (extra?.retention ?? retention) <= now
}
