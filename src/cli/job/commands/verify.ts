import { jobHelp } from '../help.ts'
import { withStore } from '../open.ts'
import { print } from '../print.ts'
import { reportLines } from '../stats-text.ts'
import { LIST_OPTIONS, refuseOperands, splitWords } from '../words.ts'

export async function main(words: string[]): Promise<void> {
  const { values, operands } = splitWords(words, LIST_OPTIONS)
  if (values.help) return console.log(jobHelp('verify'))
  refuseOperands(operands, 'job verify')
  await withStore(values.dir, async (store) => {
    const report = await store.verify()
    if (!report.ok) process.exitCode = 1
    await print(
      values.json
        ? `${JSON.stringify(report)}\n`
        : reportLines(report)
            .map((line) => `${line}\n`)
            .join(''),
    )
  })
}
