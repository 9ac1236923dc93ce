import { JobslotError } from '../../../errors.ts'
import type { JobStore } from '../../../store.ts'
import { parseDuration } from '../../arguments.ts'
import { EXIT } from '../../exit-codes.ts'
import { tell } from '../../messages.ts'
import { jobHelp } from '../help.ts'
import { parseIds } from '../ids.ts'
import { whyOf } from '../job-text.ts'
import { withStore } from '../open.ts'
import { PLACE_OPTIONS } from '../place.ts'
import { splitWords } from '../words.ts'

const OPTIONS = { ...PLACE_OPTIONS, timeout: { type: 'string', short: 'w' } } as const

export async function main(words: string[]): Promise<void> {
  const { values, operands } = splitWords(words, OPTIONS)
  if (values.help) return console.log(jobHelp('wait'))
  const ids = parseIds(operands, 'job wait')
  const timeout = values.timeout === undefined ? {} : { timeout: parseDuration(values.timeout, '--timeout') }
  await withStore(values.dir, async (store) => {
    // All at once: a number that is none is told before anything is waited for.
    const ends = await Promise.all(ids.map((id) => endOf(store, id, timeout)))
    process.exitCode = ends.includes('unfinished') ? EXIT.timeout : ends.includes('failed') ? 1 : 0
  })
}

type End = 'fulfilled' | 'failed' | 'unfinished'

/** What a job has come to; all but a fulfilment is told. */
async function endOf(store: JobStore, id: number, options: { timeout?: number }): Promise<End> {
  try {
    const job = await store.wait(id, options)
    if (job.state === 'fulfilled') return 'fulfilled'
    const why = whyOf(job)
    tell(
      `job ${id} ${job.state === 'failed' ? 'failed' : 'was cancelled'}${why && `: ${why}`}: see jobslot job show ${id}`,
    )
    return 'failed'
  } catch (error) {
    if (!(error instanceof JobslotError && error.code === 'ERR_JOBSLOT_TIMEOUT')) throw error
    const job = await store.get(id)
    tell(`job ${id} has not finished${job ? `: it is ${job.state}` : ''}`)
    return 'unfinished'
  }
}
