import { type FSWatcher, watch } from 'node:fs'
import { basename, dirname } from 'node:path'

/** Where the kernel tells nothing: on a network file system, or while the log's folder is not there. */
const LOOK_MS = 1000

/** Tells that a file may have been written, or made. */
export class LogWatch implements Disposable {
  readonly #path: string
  readonly #timer: NodeJS.Timeout
  #watcher: FSWatcher | undefined
  #onFile = false
  #isStirred = false
  #wake: (() => void) | undefined

  constructor(path: string) {
    this.#path = path
    this.#timer = setInterval(this.stir, LOOK_MS)
  }

  /** To be called before the file is looked at: what happens after that ends the next wait. */
  aim(isThere: boolean): void {
    if (this.#watcher && this.#onFile === isThere) return
    this.#watcher?.close()
    this.#watcher = undefined
    this.#onFile = isThere
    const name = basename(this.#path)
    try {
      this.#watcher = watch(isThere ? this.#path : dirname(this.#path), (_, file) => {
        if (isThere || file === name) this.stir()
      })
      this.#watcher.on('error', () => {
        this.#watcher?.close()
        this.#watcher = undefined
      })
    } catch {
      // The timer goes on.
    }
  }

  readonly stir = (): void => {
    this.#isStirred = true
    this.#wake?.()
  }

  async stirred(): Promise<void> {
    if (!this.#isStirred) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    this.#wake = undefined
    this.#isStirred = false
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#watcher?.close()
  }
}
