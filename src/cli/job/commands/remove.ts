import { eachJob } from '../each-job.ts'
import { jobHelp } from '../help.ts'
import { parseIds } from '../ids.ts'
import { removeLog } from '../logs.ts'
import { withStore } from '../open.ts'
import { PLACE_OPTIONS } from '../place.ts'
import { splitWords } from '../words.ts'

export async function main(words: string[]): Promise<void> {
  const { values, operands } = splitWords(words, PLACE_OPTIONS)
  if (values.help) return console.log(jobHelp('remove'))
  const ids = parseIds(operands, 'job remove')
  await withStore(values.dir, (store) =>
    eachJob(ids, async (id) => {
      await store.remove(id)
      removeLog(store.dir, id)
    }),
  )
}
