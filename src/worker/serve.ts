import { JobslotError } from '../errors.ts'
import { takeForServe } from './life.ts'
import type { Methods } from './session.ts'

/**
 * Called once, by the module of a worker: from now on its methods can be called. The process lives until those who use
 * it have gone.
 *
 * @throws JobslotError `ERR_JOBSLOT_NOT_A_WORKER` in a process that is none, or serves already
 */
export function serve(methods: Methods): void {
  for (const [name, method] of Object.entries(methods)) {
    if (typeof method !== 'function') throw new TypeError(`serve: ${name} is no function`)
  }
  const serveOnce = takeForServe()
  if (!serveOnce) {
    throw new JobslotError(
      'ERR_JOBSLOT_NOT_A_WORKER',
      'serve() works once, in a process that startWorker or connectWorker started: start this module with one of them',
    )
  }
  serveOnce(methods)
}
