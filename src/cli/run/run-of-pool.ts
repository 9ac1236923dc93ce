import { cpus } from 'node:os'
import { availableCpus } from '../../pool/cpus.ts'
import { endAs } from '../child.ts'
import { govern, membership, openNamed } from '../limit/pools.ts'
import type { PoolChoice } from '../limit/which-limit.ts'
import type { Signals } from '../signals.ts'
import { joinPool, runAsMember } from './run-as-member.ts'
import { runUnder } from './run-under.ts'
import type { RunWords } from './run-words.ts'

/** `jobslot run` as a member of a named pool: to the end of this process. */
export async function runOfPool(choice: PoolChoice, asked: RunWords, signals: Signals): Promise<never> {
  const { command, label, priority, weight, governor, style } = asked
  const host = await openNamed(choice.name, signals)
  const client = await membership(host, choice)
  if (client) {
    await host.close()
    return runUnder(client, asked, signals)
  }
  await govern(host, governor)
  const joined = await joinPool(
    host,
    { kind: 'run', label, min: 1, max: 1, draws: true, limit: asked.most ?? mostHere(), priority, weight },
    { name: choice.name, timeout: Number.POSITIVE_INFINITY },
    signals,
  )
  const env = { ...process.env, JOBSLOT_POOL: choice.name }
  const ended = await runAsMember(host, joined, command, { env, style, signals })
  await host.close()
  endAs(ended)
}

/** A pool may have more slots than this process may use CPUs: of these it says nothing where it may use all. */
function mostHere(): number | null {
  const usable = availableCpus()
  return usable < cpus().length ? usable : null
}
