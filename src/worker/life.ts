import type { Methods } from './wire/session.ts'

/** What a worker process is told, in an environment variable, by the one who starts it. */
export type Life =
  | { kind: 'private'; name: string; graceMs: number; close: number[] }
  | { kind: 'shared'; name: string; graceMs: number; close: number[]; dir: string; base: string; idleMs: number }

export const LIFE_VARIABLE = 'JOBSLOT_WORKER'
/** The descriptor with the starter at its other end. */
export const STARTER_FD = 3
/** A shared worker's lock. It is held through this descriptor, and so exactly as long as the process lives. */
export const LOCK_FD = 4

/**
 * What the preload leaves for `serve`: how to serve. The worker's module may bring another copy of the package than the
 * starter's, which is why it lies behind a symbol with a number, that of this contract. And it is faster: the preload is
 * one file.
 */
export type ServeOnce = (methods: Methods) => void

const KEY = Symbol.for('jobslot.worker.1')
type Holder = { [KEY]?: ServeOnce | undefined }

export function leaveForServe(serveOnce: ServeOnce): void {
  ;(globalThis as Holder)[KEY] = serveOnce
}

/** Null where this process is no worker, or serves already. */
export function takeForServe(): ServeOnce | null {
  const found = (globalThis as Holder)[KEY]
  ;(globalThis as Holder)[KEY] = undefined
  return found ?? null
}
