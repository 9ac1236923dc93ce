import type { Socket } from 'node:net'
import { createServer } from 'node:net'
import { native } from '../../native/load.ts'
import { checked } from '../../native/system-error.ts'
import { type Life, LOCK_FD } from '../life.ts'
import { isAt, lockOf, removeFiles, socketAddress } from '../place.ts'
import { descriptorOf, peerOf } from '../wire/peer.ts'
import { type Methods, Session } from '../wire/session.ts'

/** What a worker without users has to its end, when it does not end by itself. */
const STUCK_GRACE_MS = 2000

/** Serves the starter and whoever else comes, until a while after the last one has left. */
export function serveShared(
  life: Life & { kind: 'shared' },
  methods: Methods,
  starter: { socket: Socket; user: number },
): void {
  const binding = native()
  const sessions = new Set<Session>()
  let idle: NodeJS.Timeout | undefined

  const join = (socket: Socket, pid: number, user: number) => {
    clearTimeout(idle)
    const session = new Session(socket, pid, methods, () => {
      sessions.delete(session)
      binding.unguardUser(user)
      if (sessions.size === 0) idle = setTimeout(() => process.exit(), life.idleMs)
    })
    sessions.add(session)
  }

  const server = createServer((socket) => {
    const peer = peerOf(socket)
    if (peer?.uid === process.getuid?.()) join(socket, peer?.pid ?? 0, binding.guardUser(descriptorOf(socket)))
    else socket.destroy()
  })
  // Held for good: the address is good as long as its folder is open.
  server.listen(socketAddress(life).path)
  process.on('exit', (status) => {
    for (const session of sessions) session.goodbye(status)
    // Where somebody has removed the lock's file, what lies there may be another worker's. The lock is left to whoever
    // gets it: listeners of the module may still run, and until they have no other worker of this name may start. A crash
    // leaves its log, until a worker of this name starts again.
    if (isAt(lockOf(life), LOCK_FD)) removeFiles(life, { log: status === 0, lock: false })
  })
  join(starter.socket, process.ppid, starter.user)
  // Until now it was the time to start.
  checked(binding.setGuardGrace(life.idleMs + STUCK_GRACE_MS), 'setGuardGrace')
}
