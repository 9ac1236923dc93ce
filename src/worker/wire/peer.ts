import type { Socket } from 'node:net'
import { native } from '../../native/load.ts'

/** The descriptor of a socket, for which Node has no public name; -1 where it is closed. */
export function descriptorOf(socket: Socket): number {
  return (socket as { _handle?: { fd?: number } | null })._handle?.fd ?? -1
}

/** Who is at the other end, as the kernel says. Null where it does not. */
export function peerOf(socket: Socket): { pid: number; uid: number } | null {
  const into = new Float64Array(2)
  if (native().peer(descriptorOf(socket), into) < 0) return null
  const [pid, uid] = into as unknown as [number, number]
  return { pid, uid }
}
