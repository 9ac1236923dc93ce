import { UsageError } from '../exit-codes.ts'

/**
 * What `acquire --for` prints: where the slot belongs, and which one it is there. Pure.
 *
 * `POOL/ID` is a member of a pool, the pool's name as in a file name; `keeper:PID-START` a slot of a jobserver, kept by
 * that process. No pool's name has a colon in a file name.
 */
export type SlotId = { kind: 'member'; pool: string; id: number } | { kind: 'keeper'; pid: number; startTime: string }

export function keeperId(pid: number, startTime: string): string {
  return `keeper:${pid}-${startTime}`
}

/** @throws UsageError */
export function parseSlotId(text: string): SlotId {
  const [, pid, startTime] = /^keeper:([1-9]\d{0,8})-(\d{1,20})$/.exec(text) ?? []
  if (startTime !== undefined) return { kind: 'keeper', pid: Number(pid), startTime }
  const [, pool, id] = /^([a-z0-9_.%-]+)\/(\d{1,15})$/.exec(text) ?? []
  if (pool !== undefined) return { kind: 'member', pool, id: Number(id) }
  throw new UsageError(`release: "${text}" is no id of a slot, which jobslot acquire --for prints`)
}
