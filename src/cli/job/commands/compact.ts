import { tell } from '../../messages.ts'
import { jobHelp } from '../help.ts'
import { removeOldLogs } from '../logs.ts'
import { withStore } from '../open.ts'
import { PLACE_OPTIONS } from '../place.ts'
import { refuseOperands, splitWords } from '../words.ts'

export async function main(words: string[]): Promise<void> {
  const { values, operands } = splitWords(words, PLACE_OPTIONS)
  if (values.help) return console.log(jobHelp('compact'))
  refuseOperands(operands, 'job compact')
  await withStore(values.dir, async (store) => {
    if (!(await store.compact())) tell('nothing was compacted: another process is at it')
    await removeOldLogs(store)
  })
}
