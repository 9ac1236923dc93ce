import type { SpawnOptions } from 'node:child_process'
import { native } from '../native/load.ts'
import { asArray, nextFree, place, SPARE_NUMBER } from '../stdio.ts'
import { type Handle, keepHandle } from './handle.ts'
import type { LockParty } from './record.ts'
import { parseRecord, partyOf } from './record.ts'

const NONE: Handle[] = []

/** Leave to be the only one, or one of several who share; it ends with `release`, or with this process. */
export class Lock {
  /** The names, or paths, in the order in which they were locked. */
  readonly names: readonly string[]
  /**
   * Who held it before and died, or ended, without releasing it. Each such end is told to one holder. Whatever the lock
   * guards may have been left half done.
   */
  readonly abandonedBy: LockParty | null
  #handles: Handle[]

  /** @internal */
  constructor(names: readonly string[], handles: Handle[]) {
    this.names = names
    this.#handles = handles
    let abandoned: string | null = null
    for (const handle of handles) {
      abandoned ??= handle.abandoned
      handle.abandoned = null
    }
    this.abandonedBy = abandoned === null ? null : partyOf(parseRecord(abandoned))
  }

  /** A second time does nothing. */
  release(): void {
    const handles = this.#handles
    this.#handles = NONE
    for (let i = handles.length - 1; i >= 0; i--) releaseHandle(handles[i]!)
  }

  /**
   * Options for `spawn` with which the child has a share in the lock: if this process is killed, the lock lasts until the
   * child has ended, and whoever inherited the descriptors from it. `release` ends it for the child as well.
   */
  childOptions<T extends Pick<SpawnOptions, 'stdio'>>(options: T = {} as T): T & Pick<SpawnOptions, 'stdio'> {
    const stdio = asArray(options.stdio)
    const fds = new Int32Array(2)
    for (const handle of this.#handles) {
      native().inheritLock(handle.number, fds)
      for (const fd of fds) place(stdio, nextFree(stdio, SPARE_NUMBER), fd)
    }
    return { ...options, stdio }
  }

  [Symbol.dispose](): void {
    this.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release()
  }
}

/** The handle stays open for the next time. */
export function releaseHandle(handle: Handle): void {
  native().releaseLock(handle.number)
  keepHandle(handle)
}
