import { JobslotError } from '../../errors.ts'
import { EXIT } from '../exit-codes.ts'
import { tell } from '../messages.ts'

/** What is wrong with one job, and not with the others. */
const OF_ONE_JOB = ['ERR_JOBSLOT_NO_JOB', 'ERR_JOBSLOT_JOB_STATE']

/** Does it to each of these jobs. To which it cannot be done is told, and makes the exit status 69. */
export async function eachJob(ids: readonly number[], act: (id: number) => Promise<void>): Promise<void> {
  const outcomes = await Promise.allSettled(ids.map(act))
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue
    const { reason } = outcome
    if (!(reason instanceof JobslotError && OF_ONE_JOB.includes(reason.code))) throw reason
    tell(reason.message)
    process.exitCode = EXIT.unavailable
  }
}
