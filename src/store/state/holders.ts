import type { State } from './state.ts'

/** Which jobs and notifications each worker has claimed, and which process it is, for as long as it has one. */
type Held = Pick<State, 'holders' | 'pids'>

export function addHeld({ holders, pids }: Held, worker: number, pid: number, id: number): void {
  const held = holders.get(worker)
  if (held) held.add(id)
  else holders.set(worker, new Set([id]))
  pids.set(worker, pid)
}

export function dropHeld({ holders, pids }: Held, worker: number, id: number): void {
  const held = holders.get(worker)
  held?.delete(id)
  if (held?.size !== 0) return
  holders.delete(worker)
  pids.delete(worker)
}
