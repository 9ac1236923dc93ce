/**
 * `jobslot/worker`: separate Node processes, spoken to over a socket. A worker ends when the last process that uses it
 * ends, however that comes, and keeps none alive. Times are milliseconds.
 *
 * @module jobslot/worker
 */

import type { StartOptions, Worker } from './worker/private/start-worker.ts'
import type { ConnectWorkerOptions } from './worker/shared/connect-worker.ts'
import type { SharedWorker } from './worker/shared/hold.ts'

export type { WorkerEnv } from './worker/environment.ts'
export type { WorkerExit } from './worker/exit.ts'
export { WorkerExitedError } from './worker/exit.ts'
export { serve } from './worker/inside/serve.ts'
export type { StartOptions, Worker } from './worker/private/start-worker.ts'
export type { ConnectWorkerOptions } from './worker/shared/connect-worker.ts'
export type { SharedWorker } from './worker/shared/hold.ts'
export type { CallOptions } from './worker/wire/calls.ts'
export type { CallContext, Method, Methods, WorkerClient } from './worker/wire/session.ts'

// What a worker's module imports is `serve`: it should not load all that is for those who start one.

/**
 * Starts a Node process with `module` as its main module. Resolves when that has called `serve`. The wait ends by that, the
 * process's end, the timeout, or the signal.
 *
 * @param module `new URL('worker.js', import.meta.url)`, or a path
 * @throws WorkerExitedError where it ends first; JobslotError `ERR_JOBSLOT_TIMEOUT`, `ERR_JOBSLOT_WORKER_PROTOCOL`,
 * `ERR_JOBSLOT_WORKER_LOG`; the signal's reason
 *
 * @example
 * ```js
 * import { writeFileSync } from 'node:fs'
 * import { startWorker } from 'jobslot/worker'
 *
 * writeFileSync('adder.mjs', `
 *   import { serve } from 'jobslot/worker'
 *   serve({ add: ({ a, b }) => a + b })
 * `)
 * const worker = await startWorker(new URL('adder.mjs', import.meta.url))
 * console.log(await worker.call('add', { a: 2, b: 3 }))
 * await worker.close()
 * ```
 */
export async function startWorker(module: string | URL, options: StartOptions = {}): Promise<Worker> {
  const { startPrivate } = await import('./worker/private/start-worker.ts')
  return startPrivate(module, options)
}

/**
 * Joins the shared worker of this name, or starts it: however many do so at once, one worker comes of it. It is shared by
 * this user's processes on this host. The wait ends when it serves, by its end, the timeout, or the signal.
 *
 * @throws WorkerExitedError where it ends before it serves; JobslotError `ERR_JOBSLOT_TIMEOUT`,
 * `ERR_JOBSLOT_WORKER_PROTOCOL` where it is of another version or no worker; the signal's reason
 */
export async function connectWorker(name: string, options: ConnectWorkerOptions): Promise<SharedWorker> {
  const { connectShared } = await import('./worker/shared/connect-worker.ts')
  return connectShared(name, options)
}
