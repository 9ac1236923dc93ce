import { JobslotError } from '../../errors.ts'
import { takeForServe } from '../life.ts'
import type { Methods } from '../wire/session.ts'

/**
 * Called once, by the module of a worker: from now on its methods can be called. The process lives until those who use
 * it have gone.
 *
 * @throws JobslotError `ERR_JOBSLOT_NOT_A_WORKER` in a process that is none, or serves already
 */
export function serve(methods: Methods): void {
  if (typeof methods !== 'object' || methods === null) throw new TypeError('serve takes an object of functions')
  for (const [name, method] of Object.entries(methods)) {
    if (typeof method !== 'function') throw new TypeError(`serve: ${name} is no function`)
  }
  const serveOnce = takeForServe()
  if (!serveOnce) {
    throw new JobslotError(
      'ERR_JOBSLOT_NOT_A_WORKER',
      'serve() was called before in this process, or the process is no worker: call it once, in a module that startWorker ' +
        'or connectWorker starts',
    )
  }
  serveOnce(methods)
}
