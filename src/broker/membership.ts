import { existsSync } from 'node:fs'
import { rewriteMakeflags } from '../makeflags/index.ts'
import type { MemberStatus, PoolHost } from '../pool/host.ts'
import { fifoOf, placeOfPool } from './place.ts'

/** What says in an environment that there is one slot, the caller's own. */
export const ONE_SLOT = { MAKEFLAGS: ' -j1', MAKELEVEL: '1' }

/**
 * The slots that a process has of a pool already, as it runs in the member `id` of it: the environment that names them as
 * a jobserver, whose implicit slot is the caller's. Null where that is no member any more: what carries its mark can
 * outlive it.
 */
export async function membership(host: PoolHost, name: string, id: number): Promise<Record<string, string> | null> {
  const { slots, members } = await host.status()
  const found = members.find((member) => member.id === id && member.survivors === 0)
  if (!found) return null
  const path = fifoOf(placeOfPool(name), id)
  if (!existsSync(path)) return ONE_SLOT
  return { MAKEFLAGS: rewriteMakeflags('', { auth: { style: 'fifo', path }, jobs: jobsOf(found, slots) }) }
}

function jobsOf({ kind, base, granted, max }: MemberStatus, slots: number): number {
  return Math.max(1, kind === 'acquire' ? base + granted : Math.min(max ?? slots, slots))
}
