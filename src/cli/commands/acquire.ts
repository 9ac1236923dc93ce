import { type AcquireWords, parseAcquire } from '../acquire/acquire-words.ts'
import { withSlots } from '../acquire/with-slots.ts'
import { endAs, runCommand } from '../child.ts'
import { unlessNoPools } from '../limit/no-pools.ts'
import { whichLimit } from '../limit/which-limit.ts'
import { Signals } from '../signals.ts'
import { userOf } from '../user-of.ts'

export async function main(words: string[]): Promise<void> {
  const asked = parseAcquire(words)
  if (!asked) return console.log((await (await import('../bundles/more.ts')).help()).helpFor('acquire'))
  const signals = new Signals()
  const plain = async () => {
    const { command, env } = withSlots(asked, asked.max)
    return endAs(await runCommand(command, { stdio: 'inherit', env }, signals))
  }
  // Where there is no command, there is nothing that could go on.
  await unlessNoPools(() => acquireOf(asked, words, signals), plain, asked.strict || asked.forPid !== null)
}

/** What takes slots of a pool and what takes those of a jobserver share little: only one of them is loaded. */
async function acquireOf(asked: AcquireWords, words: readonly string[], signals: Signals): Promise<never> {
  const user = asked.forPid === null ? null : userOf(asked.forPid)
  const choice = whichLimit(process.env, { pool: asked.pool, orDefault: true })
  if (choice.kind === 'pool') {
    const { acquireOfPool } = await import('../bundles/named-pool.ts')
    return acquireOfPool(choice, asked, words, signals, user)
  }
  const { acquireOfJobserver, jobserverInForce } = await import('../bundles/jobserver.ts')
  return acquireOfJobserver(jobserverInForce(asked.strict), asked, words, signals)
}
