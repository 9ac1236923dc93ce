import { parseAcquire } from '../acquire-words.ts'
import { helpFor } from '../help.ts'
import { Signals } from '../signals.ts'
import { userOf } from '../user-of.ts'
import { whichLimit } from '../which-limit.ts'

/** What takes slots of a pool and what takes those of a jobserver share little: only one of them is loaded. */
export async function main(words: string[]): Promise<void> {
  const asked = parseAcquire(words)
  if (!asked) return console.log(helpFor('acquire'))
  const signals = new Signals()
  const user = asked.forPid === null ? null : userOf(asked.forPid)
  const choice = whichLimit(process.env, { pool: asked.pool, orDefault: true })
  if (choice.kind === 'pool') {
    const { acquireOfPool } = await import('../acquire-of-pool.ts')
    return acquireOfPool(choice, asked, words, signals, user)
  }
  const { acquireOfJobserver } = await import('../acquire-of-jobserver.ts')
  const { jobserverInForce } = await import('../limit-in-force.ts')
  return acquireOfJobserver(jobserverInForce(asked.strict), asked, words, signals)
}
