import { availableCpus } from '../../pool/cpus.ts'
import { fixedSource } from '../../pool/source.ts'
import { endAs, runCommand } from '../child.ts'
import { helpFor } from '../help.ts'
import { jobserverInForce } from '../limit/limit-in-force.ts'
import { unlessNoPools } from '../limit/no-pools.ts'
import { whichLimit } from '../limit/which-limit.ts'
import { runInPool } from '../run/run-in-pool.ts'
import { parseRun, type RunWords } from '../run/run-words.ts'
import { Signals } from '../signals.ts'

export async function main(words: string[]): Promise<void> {
  const asked = parseRun(words)
  if (!asked) return console.log(helpFor('run'))
  const signals = new Signals()
  const plain = async () => endAs(await runCommand(asked.command, { stdio: 'inherit' }, signals))
  await unlessNoPools(() => runWithin(asked, signals), plain, asked.strict)
}

async function runWithin(asked: RunWords, signals: Signals): Promise<never> {
  const choice = whichLimit(process.env, { pool: asked.pool, orDefault: false })
  if (choice.kind === 'pool') {
    const { runOfPool } = await import('../run/run-of-pool.ts')
    return runOfPool(choice, asked, signals)
  }
  if (choice.kind === 'jobserver') {
    const { runUnder } = await import('../run/run-under.ts')
    return runUnder(jobserverInForce(asked.strict), asked, signals)
  }
  const source = fixedSource(asked.most ?? availableCpus())
  return endAs(
    await runInPool(asked.command, { ...asked, source, draws: true, borrowed: false, env: process.env, signals }),
  )
}
