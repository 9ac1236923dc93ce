import { parseDuration } from '../../arguments.ts'
import { eachJob } from '../each-job.ts'
import { jobHelp } from '../help.ts'
import { parseIds } from '../ids.ts'
import { CANCELLED } from '../job-text.ts'
import { withStore } from '../open.ts'
import { PLACE_OPTIONS } from '../place.ts'
import { splitWords } from '../words.ts'

const OPTIONS = { ...PLACE_OPTIONS, grace: { type: 'string' } } as const

export async function main(words: string[]): Promise<void> {
  const { values, operands } = splitWords(words, OPTIONS)
  if (values.help) return console.log(jobHelp('cancel'))
  const ids = parseIds(operands, 'job cancel')
  const grace = values.grace === undefined ? {} : { grace: parseDuration(values.grace, '--grace') }
  await withStore(values.dir, (store) => eachJob(ids, (id) => store.cancel(id, CANCELLED, grace)))
}
