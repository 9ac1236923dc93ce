import type { Stats } from 'node:fs'
import { unlink } from 'node:fs/promises'
import { lockFile } from '../lock/acquire.ts'
import { ConflictError } from './conflict-error.ts'
import { cannotWrite, mayBeLost, notADocument } from './errors.ts'
import { cleanUp, lockFileOf, readWhole, resolved } from './file.ts'
import { decodeDocument, encodeDocument, LAST_VERSION } from './format.ts'
import { jsonText } from './json-text.ts'
import { newFileOf, replaceFile } from './replace-file.ts'

/** How long a write may wait for others that write. */
export interface DocumentOptions {
  /** Milliseconds; 0 does not wait; left out, it waits for ever. */
  timeout?: number | undefined
  /** Ends the wait; the promise rejects with the signal's reason, and nothing was written. */
  signal?: AbortSignal | undefined
}

/** What a write is to replace, and how long it may wait for its turn. */
export interface WriteOptions extends DocumentOptions {
  /** The version that the document must have, 0 for one that does not exist; else nothing is written. */
  ifVersion?: number | undefined
}

/** A document at one moment. One that does not exist has version 0 and the value undefined. */
export interface DocumentState<T> {
  /** How often it was written. */
  version: number
  /** What the last write left. */
  value: T | undefined
}

/** A JSON value in a file, with a version that counts its writes. */
export interface Document<T> {
  /** The file, with symbolic links followed. */
  readonly path: string

  /**
   * What the document says now. It never waits, and never sees half a write.
   *
   * @throws JobslotError `ERR_JOBSLOT_DOCUMENT` where the file is none; `ERR_JOBSLOT_DOCUMENT_IO`
   */
  read(): Promise<DocumentState<T>>

  /**
   * Replaces the value, on disk when this resolves, and answers with the new version. It waits for others that write, until
   * the timeout or the signal.
   *
   * @param value anything that JSON has a word for
   * @throws ConflictError where the document has another version than `ifVersion`; JobslotError `ERR_JOBSLOT_TIMEOUT`,
   * `ERR_JOBSLOT_DOCUMENT`, `ERR_JOBSLOT_DOCUMENT_IO`; the signal's reason; TypeError for what JSON cannot say
   */
  write(value: T, options?: WriteOptions): Promise<number>

  /**
   * Replaces the value by what `fn` makes of it, and lets nobody else write meanwhile. Where `fn` throws, nothing is
   * written, and this rejects with its error. Answers with the new version and value.
   *
   * @param fn gets the value, undefined where there is no document yet, and its version; what it returns is written
   * @throws as `write`
   */
  update(
    fn: (value: T | undefined, version: number) => T | Promise<T>,
    options?: DocumentOptions,
  ): Promise<{ version: number; value: T }>
}

/**
 * A document for reading and writing; nothing is held open between two calls. What a crash has left beside it is
 * removed. The options are for all writes that have none of their own. The file need not exist; its folder must.
 *
 * `T` is what the caller says that the file holds: nothing checks it.
 *
 * @throws JobslotError `ERR_JOBSLOT_DOCUMENT_IO`
 *
 * @example
 * ```js
 * import { openDocument } from 'jobslot/lock'
 *
 * const counter = await openDocument('counter.json')
 * const { version, value } = await counter.update((count = 0) => count + 1)
 * console.log(version, value)
 * ```
 */
export async function openDocument<T = unknown>(path: string, options: DocumentOptions = {}): Promise<Document<T>> {
  if (typeof path !== 'string' || path === '') throw new TypeError('openDocument: path must be the path of a file')
  const file = await resolved(path)
  cleanUp(file)
  return new FileDocument<T>(file, options)
}

class FileDocument<T> implements Document<T> {
  readonly path: string
  readonly #options: DocumentOptions

  constructor(path: string, options: DocumentOptions) {
    this.path = path
    this.#options = options
  }

  async read(): Promise<DocumentState<T>> {
    return (await this.#read()).state
  }

  async write(value: T, options: WriteOptions = {}): Promise<number> {
    const { ifVersion } = options
    if (ifVersion !== undefined && !(Number.isSafeInteger(ifVersion) && ifVersion >= 0)) {
      throw new TypeError(`write: ifVersion must be a version, a whole number from 0 up, not ${String(ifVersion)}`)
    }
    // Before the first wait: the caller may change the value while this one waits its turn.
    const json = jsonText(value)
    return this.#replace(options, ({ version }) => {
      if (ifVersion !== undefined && ifVersion !== version) throw new ConflictError(this.path, ifVersion, version)
      return json
    })
  }

  async update(
    fn: (value: T | undefined, version: number) => T | Promise<T>,
    options: DocumentOptions = {},
  ): Promise<{ version: number; value: T }> {
    if (typeof fn !== 'function') throw new TypeError('update: its first argument must be a function')
    let next: T | undefined
    const version = await this.#replace(options, async (state) => {
      next = await fn(state.value, state.version)
      if (next === undefined) throw new TypeError('update: the function returned nothing: return the new value')
      return jsonText(next)
    })
    return { version, value: next as T }
  }

  async #replace(
    options: DocumentOptions,
    decide: (state: DocumentState<T>) => string | Promise<string>,
  ): Promise<number> {
    const { timeout = this.#options.timeout, signal = this.#options.signal } = options
    const lock = await lockFile(lockFileOf(this.path), { timeout, signal })
    try {
      const { state, file } = await this.#read()
      if (state.version === LAST_VERSION) throw notADocument(this.path, 'no version comes after the one that it has')
      const json = await decide(state)
      signal?.throwIfAborted()
      const version = state.version + 1
      const unsynced = await replaceFile(this.path, encodeDocument(version, json), file).catch((error) => {
        throw cannotWrite(this.path, error)
      })
      if (unsynced) throw mayBeLost(this.path, unsynced)
      return version
    } catch (error) {
      await unlink(newFileOf(this.path)).catch(() => {
        // It was not made yet, or has the document's name by now.
      })
      throw error
    } finally {
      lock.release()
    }
  }

  async #read(): Promise<{ state: DocumentState<T>; file: Stats | null }> {
    const found = await readWhole(this.path)
    if (!found) return { state: { version: 0, value: undefined }, file: null }
    const decoded = decodeDocument(found.bytes)
    if ('problem' in decoded) throw notADocument(this.path, decoded.problem)
    return { state: decoded as DocumentState<T>, file: found.file }
  }
}
