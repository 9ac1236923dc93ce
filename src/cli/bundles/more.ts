/** What `acquire` of a pool does without. Bundled into a file of its own, which it does not read at its start. */

export const run = () => import('../commands/run.ts')
export const release = () => import('../commands/release.ts')
export const status = () => import('../commands/status.ts')
export const resize = () => import('../commands/resize.ts')
export const doctor = () => import('../commands/doctor.ts')
export const lock = () => import('../commands/lock.ts')
export const locks = () => import('../commands/locks.ts')
export const keep = () => import('../commands/keep.ts')
export const help = () => import('../help.ts')
export const unknown = () => import('../unknown-command.ts')

export const acquireOfJobserver = () => import('../acquire/acquire-of-jobserver.ts')
export const runInPool = () => import('../run/run-in-pool.ts')
export const keeper = () => import('../acquire/keeper.ts')
export const spawn = () => import('../../spawn.ts')
export const connect = () => import('../../client/connect.ts')
export const membership = () => import('../../broker/membership.ts')
