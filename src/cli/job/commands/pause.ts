import { jobHelp } from '../help.ts'
import { withStore } from '../open.ts'
import { PLACE_OPTIONS } from '../place.ts'
import { refuseOperands, splitWords } from '../words.ts'

export async function main(words: string[]): Promise<void> {
  const { values, operands } = splitWords(words, PLACE_OPTIONS)
  if (values.help) return console.log(jobHelp('pause'))
  refuseOperands(operands, 'job pause')
  await withStore(values.dir, (store) => store.pause())
}
