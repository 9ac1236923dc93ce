/**
 * `jobslot`: take slots from the limit in force and give them back; pools of slots. Times are milliseconds.
 *
 * @module jobslot
 */

export type { OpenPoolOptions } from './broker/open-pool.ts'
export type { ChildSpawnOptions } from './client/child-options.ts'
export type { AcquireOptions, Client } from './client/client.ts'
export type { ConnectOptions } from './client/connect.ts'
export { connect } from './client/connect.ts'
export type { Limit } from './client/limit.ts'
export type { Slot } from './client/slot.ts'
export type { ErrorCode } from './errors.ts'
export { JobslotError } from './errors.ts'
export type { GovernorLimits, Pressure } from './governor/governor.ts'
export type { JobserverAuth, Makeflags } from './makeflags/index.ts'
export { parseMakeflags } from './makeflags/index.ts'
export type { CreatePoolOptions } from './pool/create-pool.ts'
export type { Audit, MemberKind, MemberStatus, PoolStatus, WaiterStatus } from './pool/host.ts'
export type { Style as JobserverStyle } from './pool/offer.ts'
export type { MemberOptions, Pool, PoolSpawnOptions } from './pool/pool.ts'
export type { Member, MemberExit } from './pool/spawned-member.ts'
export { createPool, openPool } from './pools.ts'
