import { acquireOfJobserver, userOf } from '../acquire-of-jobserver.ts'
import { parseAcquire } from '../acquire-words.ts'
import { helpFor } from '../help.ts'
import { jobserverInForce } from '../limit-in-force.ts'
import { Signals } from '../signals.ts'
import { whichLimit } from '../which-limit.ts'

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
  return acquireOfJobserver(jobserverInForce(asked.strict), asked, words, signals)
}
