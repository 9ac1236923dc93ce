import { JobslotError } from '../errors.ts'
import type { JobserverAuth, Makeflags } from '../makeflags/index.ts'
import { findMakeflags } from '../makeflags/index.ts'
import { checkOptions } from '../options.ts'
import { Client } from './client.ts'
import type { OpenedJobserver } from './open-jobserver.ts'
import { openJobserver } from './open-jobserver.ts'
import { releaseOnSignal } from './release-on-signal.ts'
import { sharedQueue } from './shared-queues.ts'
import { SlotQueue } from './slot-queue.ts'
import { emptySource, localSource } from './token-source.ts'

/** Where to look for the limit, and what to do without one. */
export interface ConnectOptions {
  /**
   * How many slots of this process's own there are where no limit is in force, from 1 on. Without it `connect` returns null
   * there.
   */
  fallback?: number | undefined
  /**
   * Throw where a jobserver is named and cannot be used, instead of going on with the implicit slot alone. Default false.
   */
  strict?: boolean | undefined
  /**
   * Give back what is held when SIGINT, SIGTERM or SIGHUP ends the process. Where the program has a listener of its own
   * for the signal, that one decides; what is held goes back when it exits. Default false.
   */
  releaseOnSignal?: boolean | undefined
  /** Where the jobserver is looked for: MAKEFLAGS, CARGO_MAKEFLAGS, MFLAGS. Default `process.env`. */
  env?: Record<string, string | undefined> | undefined
}

/**
 * The limit in force for this process: the jobserver of the make, ninja, cargo or jobslot that started it. Two calls
 * share one implicit slot and one queue. Loads no addon where nothing is advertised.
 *
 * @returns null where no limit is in force and no `fallback` is given
 * @throws with `strict`, where a jobserver is named that cannot be used, the JobslotError that is else the client's
 * `problem`; TypeError for a fallback that is no number of slots
 *
 * @example
 * ```js
 * import { connect } from 'jobslot'
 *
 * const client = connect({ fallback: 4 })
 * const lengths = await client.limit.map(['a', 'bc'], async (text) => text.length)
 * console.log(lengths)
 * client.close()
 * ```
 */
export function connect(options: ConnectOptions & { fallback: number }): Client
export function connect(options?: ConnectOptions): Client | null
export function connect(options: ConnectOptions = {}): Client | null {
  checkOptions('connect', options, ['fallback', 'strict', 'releaseOnSignal', 'env'])
  const { fallback } = options
  if (fallback !== undefined && !(Number.isInteger(fallback) && fallback >= 1)) {
    throw new TypeError(`fallback must be a whole number of slots, at least 1, not ${String(fallback)}`)
  }
  const client = connectTo(options, true)
  if (client || fallback === undefined) return client
  return new Client({
    queue: new SlotQueue(localSource(fallback), { implicit: false }),
    identity: null,
    auth: null,
    jobs: fallback,
    load: null,
    problem: null,
    child: { hand: 'nothing' },
  })
}

/**
 * As `connect` without a fallback. With `implicit` false the implicit slot is left to the caller, who knows another
 * way to share it (`recipe-slot.ts`).
 *
 * @internal
 */
export function connectTo(options: ConnectOptions, implicit: boolean): Client | null {
  const found = findMakeflags(options.env ?? process.env)
  if (!found) return null
  const { flags } = found
  const { jobs, load } = flags
  if (!flags.jobserver && !flags.problem) return oneSlot(flags, implicit)

  let opened: OpenedJobserver | undefined
  try {
    const auth = usableAuth(flags)
    opened = openJobserver(auth)
    const queue = queueFor(opened.identity, opened.makeSource, implicit)
    if (options.releaseOnSignal) releaseOnSignal()
    const child = { hand: 'jobserver', auth, jobs, read: opened.read, write: opened.write } as const
    return new Client({
      queue,
      identity: opened.identity,
      auth,
      jobs,
      load,
      problem: null,
      child,
      onClosed: opened.close,
    })
  } catch (error) {
    opened?.close()
    if (!(error instanceof JobslotError) || options.strict) throw error
    const queue = queueFor(`unusable ${error.code}`, () => emptySource, implicit)
    return new Client({ queue, identity: null, auth: null, jobs, load, problem: error, child: { hand: 'none' } })
  }
}

/** A `-j1` of the make above: the limit is the implicit slot. */
function oneSlot(flags: Makeflags, implicit: boolean): Client {
  const queue = queueFor('one', () => emptySource, implicit)
  return new Client({
    queue,
    identity: null,
    auth: null,
    jobs: 1,
    load: flags.load,
    problem: null,
    child: { hand: 'nothing' },
  })
}

function usableAuth(flags: Makeflags): JobserverAuth {
  if (flags.jobserver) return flags.jobserver
  throw new JobslotError(flags.code ?? 'ERR_JOBSLOT_BAD_AUTH', flags.problem ?? 'the jobserver cannot be used')
}

function queueFor(identity: string, makeSource: OpenedJobserver['makeSource'], implicit: boolean): SlotQueue {
  if (!implicit) return new SlotQueue(makeSource(), { implicit: false })
  return sharedQueue(identity, makeSource)
}
