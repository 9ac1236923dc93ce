// Runs in a worker process before anything of the user's does: so that the process ends with those who use it even
// where its module never comes to `serve`. Bundled into one CommonJS file by scripts/bundle.mjs.
import { Socket } from 'node:net'
import { native } from '../../native/load.ts'
import { checked } from '../../native/system-error.ts'
import type { Life } from '../life.ts'
import { LIFE_VARIABLE, leaveForServe, STARTER_FD } from '../life.ts'
import { Session } from '../wire/session.ts'
import { makeOutputBlocking } from './blocking-output.ts'
import { serveShared } from './serve-shared.ts'

const LOG_LIMIT = 1024 * 1024

const text = process.env[LIFE_VARIABLE]
// Not in a worker thread of this process, which gets the same preloads.
if (text !== undefined) {
  delete process.env[LIFE_VARIABLE]
  forgetPreload(import.meta.filename)
  const life = JSON.parse(text) as Life
  const binding = native()
  for (const fd of life.close) binding.close(fd)
  checked(binding.startGuard(life.graceMs), 'startGuard')
  const starterUser = checked(binding.guardUser(STARTER_FD), 'guardUser')
  makeOutputBlocking()
  // Where there is no inotify left, the log grows.
  if (life.kind === 'shared') binding.boundLog(1, LOG_LIMIT)
  leaveForServe((methods) => {
    const starter = new Socket({ fd: STARTER_FD, readable: true, writable: true })
    if (life.kind === 'shared') serveShared(life, methods, { socket: starter, user: starterUser })
    // In order: `exit` listeners run.
    else new Session(starter, process.ppid, methods, () => process.exit())
  })
}

/** `fork` hands these flags on. */
function forgetPreload(file: string): void {
  const at = process.execArgv.indexOf(file)
  if (at > 0) process.execArgv.splice(at - 1, 2)
}
