import { jobHelp } from '../help.ts'
import { withStore } from '../open.ts'
import { print } from '../print.ts'
import { statsLines } from '../stats-text.ts'
import { LIST_OPTIONS, refuseOperands, splitWords } from '../words.ts'

export async function main(words: string[]): Promise<void> {
  const { values, operands } = splitWords(words, LIST_OPTIONS)
  if (values.help) return console.log(jobHelp('stats'))
  refuseOperands(operands, 'job stats')
  await withStore(values.dir, async (store) => {
    const stats = await store.stats()
    await print(
      values.json
        ? `${JSON.stringify(stats)}\n`
        : statsLines(stats, store.dir)
            .map((line) => `${line}\n`)
            .join(''),
    )
  })
}
