import { setTimeout as sleep } from 'node:timers/promises'
import { privateOwner } from '../../pool/create-pool.ts'
import type { PoolHost } from '../../pool/host.ts'
import type { Style } from '../../pool/offer.ts'
import type { SlotSource } from '../../pool/source.ts'
import type { Ended } from '../child.ts'
import { type GovernorWords, limitsAfter } from '../governor-words.ts'
import { tellIfSlow } from '../messages.ts'
import type { Signals } from '../signals.ts'
import { count } from '../table.ts'
import { joinPool, runAsMember } from './run-as-member.ts'

export interface PoolOptions {
  source: SlotSource
  governor?: GovernorWords
  /** Whether the command holds all slots from first to last, or draws them as they become free. */
  draws: boolean
  /** Whether the slots are another limit's, which gets them back at the end. */
  borrowed: boolean
  label: string
  env: NodeJS.ProcessEnv
  style: Style | 'auto'
  signals: Signals
}

/** Runs a command with a pool of its own, and tells at the end what it did not give back. */
export async function runInPool(command: string[], options: PoolOptions): Promise<Ended> {
  const { source, governor = {}, draws, borrowed, label, signals } = options
  const pool = privateOwner(source, limitsAfter({}, governor))
  try {
    const slots = draws ? 1 : source.slots
    const joined = await joinPool(
      pool,
      { kind: draws ? 'run' : 'acquire', label, min: slots, max: slots, draws, limit: null, priority: 0, weight: 1 },
      { name: null, timeout: Number.POSITIVE_INFINITY },
      signals,
    )
    const ended = await runAsMember(pool, joined, command, options)
    if (borrowed) await untilUnused(pool, signals)
    return ended
  } finally {
    await pool.close()
  }
}

const LOOK_MS = 50

/**
 * What a killed command has left behind uses its slots still: given back, they would be others' as well. But for the
 * one that the command itself was started in, as a shell's is free at its end. Ends when they are unused, or by a signal.
 */
async function untilUnused(pool: PoolHost, signals: Signals): Promise<void> {
  let isOver = false
  let left = ''
  const isUsed = async () => {
    const ended = (await pool.status()).members.filter(({ survivors }) => survivors > 0)
    const [slots, processes] = [sum(ended.map(({ held }) => held)), sum(ended.map(({ survivors }) => survivors))]
    left = `${processes} of the killed command's processes, which use ${count(slots, 'slot')}`
    return slots > 1
  }
  const unused = tellIfSlow(() => `waiting for the end of ${left}`)
  const stop = () => {
    isOver = true
  }
  await signals.during(stop, async () => {
    while ((await isUsed()) && !isOver) await sleep(LOOK_MS)
  })
  unused()
}

const sum = (numbers: number[]) => numbers.reduce((all, one) => all + one, 0)
