import { availableCpus } from '../../../pool/cpus.ts'
import { privateOwner } from '../../../pool/create-pool.ts'
import { joinAsProcess } from '../../../pool/own-slots.ts'
import { fixedSource, jobserverSource } from '../../../pool/source.ts'
import { jobserverInForce, nameOf, slotsOf } from '../../limit/limit-in-force.ts'
import { membership, openNamed } from '../../limit/pools.ts'
import { type PoolChoice, whichLimit } from '../../limit/which-limit.ts'
import { tell, visible } from '../../messages.ts'
import { whatIsHeld as whatIsHeldOf } from '../../run/run-as-member.ts'
import type { Signals } from '../../signals.ts'
import { BorrowedPool } from './borrowed-pool.ts'
import type { JobHost } from './run.ts'

export interface JobSlots {
  host: JobHost
  /** The limit in words, for messages. */
  name: string
  /** Who waits for a slot is told it; empty where nothing is known. */
  whatIsHeld(): Promise<string>
  /** What jobs are told of it, beside their jobserver. */
  env: NodeJS.ProcessEnv
  /** Waits until what killed jobs have left behind uses no slots any more, or until the signal. */
  close(hurry: AbortSignal): Promise<void>
}

/**
 * The slots that jobs run in: those of `--pool`; with `--slots` N of its own, drawn from the limit in force where there
 * is one; else that limit itself.
 *
 * @throws JobslotError; Interrupted
 */
export async function openSlots(
  { pool, slots }: { pool: string | undefined; slots: number | null },
  signals: Signals,
): Promise<JobSlots> {
  const choice = whichLimit(process.env, { pool, orDefault: slots === null })
  if (choice.kind === 'none') return ownPool(slots ?? availableCpus())
  if (choice.kind === 'jobserver') return borrowed(jobserverInForce(false), slots)
  return ofNamed(choice, slots, signals)
}

const unknown = async () => ''

function ownPool(slots: number): JobSlots {
  const host = privateOwner(fixedSource(slots))
  const close = async () => {
    await host.close()
  }
  return { host, name: `the ${slots} of -j, --slots`, whatIsHeld: unknown, env: {}, close }
}

type JobserverClient = ReturnType<typeof jobserverInForce>

function borrowed(client: JobserverClient, slots: number | null): JobSlots {
  const limit = slotsOf(client)
  if (slots !== null && limit !== null && slots > limit && !client.problem) {
    tell(`-j, --slots ${slots} is more than ${nameOf(client)} has: going on with ${limit}`)
  }
  const most = Math.min(slots ?? limit ?? availableCpus(), limit ?? Number.POSITIVE_INFINITY)
  const host = new BorrowedPool(client, most)
  return { host, name: nameOf(client), whatIsHeld: unknown, env: {}, close: (hurry) => host.close(hurry) }
}

async function ofNamed(choice: PoolChoice, slots: number | null, signals: Signals): Promise<JobSlots> {
  const host = await openNamed(choice.name, signals)
  const client = await membership(host, choice)
  if (client) {
    await host.close()
    return borrowed(client, slots)
  }
  const env = { JOBSLOT_POOL: choice.name }
  const name = `pool ${visible(choice.name)}`
  const leavePool = async () => {
    await host.close()
  }
  const whatIsHeld = () => whatIsHeldOf(host, choice.name)
  if (slots === null) return { host, name, whatIsHeld, env, close: leavePool }
  const own = await joinAsProcess(host, { label: 'jobslot job work', limit: slots, priority: 0, weight: 1 })
  const inner = privateOwner(jobserverSource(own.client, slots, 0))
  const close = async () => {
    await inner.close()
    await own.leave()
    await host.close()
  }
  return { host: inner, name, whatIsHeld, env, close }
}
