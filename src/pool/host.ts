import type { GovernorLimits } from '../governor/governor.ts'

/**
 * What draws on a pool: a command of `jobslot run` or `pool.spawn` (`run`), slots that `jobslot acquire` holds, a job of
 * `jobslot job work`, or a process that called `openPool` or took slots of its own pool.
 */
export type MemberKind = 'run' | 'acquire' | 'job' | 'process'

/** What somebody who wants to be a member asks for. */
export interface JoinRequest {
  kind: MemberKind
  /** Who asks: the wrapper of the command. */
  pid: number
  /** When that process started, in clock ticks since boot: with the pid it names it for good. */
  startTime: string
  label: string | null
  /** Slots that it holds without a token from first to last: 1 for a command, COUNT for `acquire`, 0 for a process. */
  min: number
  /** What it takes of what is free at that instant, once there are `min`. */
  max: number
  /** Whether it gets a FIFO with tokens as they become free. */
  draws: boolean
  /** The most slots it may have in all. */
  limit: number | null
  /** Who waits with a higher one is served first. */
  priority: number
  /** Its part of what is shared, beside others' 1. */
  weight: number
  /** Milliseconds since 1970. */
  since: number
}

export interface Joined {
  id: number
  /** Slots held without a token: between the `min` and `max` asked for. */
  slots: number
  /** Where its tokens lie: of one that draws, or holds several slots. */
  fifo: string | null
  /** POOL/ID, for JOBSLOT_MEMBER. */
  mark: string
  /** The most slots that it can have now. */
  capacity: number
}

/** A command that runs in a member. */
export interface MemberCommand {
  pid: number
  startTime: string
}

/** What a member had at its end, against what it was given. */
export interface Audit {
  /** Tokens that a client did not give back: it was killed, or still runs in the background. */
  missing: number
  /** Tokens given back that nobody had taken. */
  extra: number
}

/** Who hands out a pool's slots: its owner in this process, or its broker over a socket. */
export interface PoolHost {
  /**
   * Waits for the slots that it holds from first to last. Ends by these, by the signal, or by the pool's end.
   *
   * @throws JobslotError `ERR_JOBSLOT_TOO_MANY`, `ERR_JOBSLOT_CLOSED`, `ERR_JOBSLOT_STATE_DIR`; the signal's reason
   */
  join(request: JoinRequest, options?: { signal?: AbortSignal | undefined }): Promise<Joined>
  /** From now on the member lives as long as this command, whatever becomes of who asked for it. */
  started(id: number, command: MemberCommand): Promise<void>
  /** The member has ended. `signaled`: by a signal, so that something of it may run on. */
  leave(id: number, how: { signaled: boolean }): Promise<Audit>
  /** One of the process's own waits for a token. */
  hungry(id: number): void
  resize(slots: number): Promise<void>
  govern(limits: GovernorLimits): Promise<void>
  status(): Promise<PoolStatus>
}

/** Who waits to be let into a pool. */
export interface WaiterStatus {
  /** Its number in this pool, which it keeps when it is let in. */
  id: number
  /** Of the process that asks. */
  pid: number
  /** What it was called by who started it. */
  label: string | null
  /** For how many slots it waits. */
  wants: number
  /** When it came: milliseconds since 1970. */
  since: number
  /** Who waits with a higher one is served first. */
  priority: number
}

/** A pool at one moment. */
export interface PoolStatus {
  /** Its name; null for a pool of one process alone. */
  pool: string | null
  /** How many it has. */
  slots: number
  /** What the governor leaves of these. */
  effective: number
  /** How many nobody uses, those included that lie ready for a member. */
  free: number
  /** What it is to keep the machine from, and why it has lowered the capacity, if it has; null where nothing is limited. */
  governor: { limits: GovernorLimits; reason: string | null } | null
  /** Who has slots, or may draw some. */
  members: MemberStatus[]
  /** Who waits to be let in; who comes next stands first. */
  waiters: WaiterStatus[]
  /** Tokens that were given back although nobody had taken them. */
  overReturned: number
  /** Slots got back of members that had ended without giving them back. */
  reclaimed: number
}

/** Who has slots of a pool, and how many: `base + held` are in use. */
export interface MemberStatus {
  /** Its number in this pool, used once. */
  id: number
  /** Of the process that asked for it, or of the command where that process is gone. */
  pid: number
  /** What it was called by who started it. */
  label: string | null
  /** What it is. */
  kind: MemberKind
  /** Slots that it has without a token, from first to last: 1 for a command. */
  base: number
  /** Tokens that it was given beside those. */
  granted: number
  /** How many of the granted ones it has not taken: anybody else may get them. */
  visible: number
  /** How many of the granted ones it has taken. */
  held: number
  /** Processes of an ended member that live on; while they do, it has `held` slots. */
  survivors: number
  /** When it asked to be let in: milliseconds since 1970. */
  since: number
  /** Who waits with a higher one is served first. */
  priority: number
  /** Its part of what is shared, beside others' 1. */
  weight: number
  /** The most slots it may have at once; null: all. */
  max: number | null
}
