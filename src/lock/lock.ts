import type { SpawnOptions } from 'node:child_process'
import { native } from '../native/load.ts'
import { asArray, nextFree, place, SPARE_NUMBER } from '../stdio.ts'
import { type Handle, releaseHandle } from './handle.ts'
import type { LockParty } from './record.ts'
import { parseRecord, partyOf } from './record.ts'

const NONE: Handle[] = []
const NOBODY: readonly (LockParty & { name: string })[] = []

/** Leave to be the only one, or one of several who share; it ends with `release`, or with this process. */
export class Lock {
  /** The names, or paths, in the order in which they were locked. */
  readonly names: readonly string[]
  /**
   * Who held it before and died, or ended, without releasing it. Each such end is told to one holder. Whatever the lock
   * guards may have been left half done.
   */
  readonly abandonedBy: LockParty | null
  /** The same for each of several names whose holder died; `abandonedBy` is the first of them. */
  readonly abandoned: readonly (LockParty & { name: string })[]
  #handles: Handle[]

  /** @internal */
  constructor(names: readonly string[], handles: Handle[]) {
    this.names = names
    this.#handles = handles
    this.abandoned = handles.some(isUntold) ? tell(names, handles) : NOBODY
    this.abandonedBy = this.abandoned[0] ?? null
  }

  /** Frees it, all names at once. A second time does nothing. */
  release(): void {
    const handles = this.#handles
    this.#handles = NONE
    for (let i = handles.length - 1; i >= 0; i--) releaseHandle(handles[i]!)
  }

  /**
   * Options for `spawn` with which the child has a share in the lock: if this process is killed, the lock lasts until the
   * child has ended, and whoever inherited the descriptors from it. `release` ends it for the child as well. What is given
   * is not changed.
   */
  childOptions<T extends SpawnOptions>(options: T = {} as T): T & Pick<SpawnOptions, 'stdio'> {
    const stdio = asArray(options.stdio)
    const fds = new Int32Array(2)
    for (const handle of this.#handles) {
      native().inheritLock(handle.number, fds)
      handle.inherited = true
      for (const fd of fds) place(stdio, nextFree(stdio, SPARE_NUMBER), fd)
    }
    return { ...options, stdio }
  }

  /** The same as `release`, for `using`. */
  [Symbol.dispose](): void {
    this.release()
  }

  /** The same as `release`, for `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.release()
  }
}

function isUntold(handle: Handle): boolean {
  return handle.untold
}

function tell(names: readonly string[], handles: readonly Handle[]): (LockParty & { name: string })[] {
  return handles.flatMap((handle, i) => {
    if (!handle.untold) return []
    handle.untold = false
    return { name: names[i]!, ...partyOf(parseRecord(native().lockPrevious(handle.number))) }
  })
}
