import { parseAcquire } from '../acquire-words.ts'
import { Signals } from '../signals.ts'
import { userOf } from '../user-of.ts'
import { whichLimit } from '../which-limit.ts'

/** What takes slots of a pool and what takes those of a jobserver share little: only one of them is loaded. */
export async function main(words: string[]): Promise<void> {
  const asked = parseAcquire(words)
  if (!asked) return console.log((await (await import('../more.ts')).help()).helpFor('acquire'))
  const signals = new Signals()
  const user = asked.forPid === null ? null : userOf(asked.forPid)
  const choice = whichLimit(process.env, { pool: asked.pool, orDefault: true })
  if (choice.kind === 'pool') {
    const { acquireOfPool } = await import('../acquire-of-pool.ts')
    return acquireOfPool(choice, asked, words, signals, user)
  }
  const more = await import('../more.ts')
  const { acquireOfJobserver } = await more.acquireOfJobserver()
  const { jobserverInForce } = await more.limitInForce()
  return acquireOfJobserver(jobserverInForce(asked.strict), asked, words, signals)
}
