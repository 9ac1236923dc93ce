/**
 * `jobslot/lock`: locks between processes, which the kernel frees when their holder dies, and versioned JSON documents.
 * Times are milliseconds.
 *
 * @module jobslot/lock
 */

export { ConflictError } from './document/conflict-error.ts'
export type { Document, DocumentOptions, DocumentState, WriteOptions } from './document/document.ts'
export { openDocument } from './document/document.ts'
export type { LockFileOptions, LockOptions, TryLockFileOptions, TryLockOptions } from './lock/acquire.ts'
export { lock, lockFile, tryLock, tryLockFile } from './lock/acquire.ts'
export type { LockState } from './lock/list.ts'
export { locks } from './lock/list.ts'
export type { Lock } from './lock/lock.ts'
export type { LockParty } from './lock/record.ts'
