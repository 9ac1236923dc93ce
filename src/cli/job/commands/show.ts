import { existsSync } from 'node:fs'
import type { Job } from '../../../store.ts'
import { styled } from '../../messages.ts'
import { jobHelp } from '../help.ts'
import { parseOneId } from '../ids.ts'
import { logPath } from '../logs.ts'
import { found, withStore } from '../open.ts'
import { print } from '../print.ts'
import { showLines, textOf } from '../show-text.ts'
import { LIST_OPTIONS, splitWords } from '../words.ts'

export async function main(words: string[]): Promise<void> {
  const { values, operands } = splitWords(words, LIST_OPTIONS)
  if (values.help) return console.log(jobHelp('show'))
  const id = parseOneId(operands, 'job show')
  await withStore(values.dir, async (store) => {
    const job = await found(store, id)
    if (values.json) return await print(`${JSON.stringify(asJson(job))}\n`)
    const log = logPath(store.dir, job)
    const [head, ...lines] = showLines(job, existsSync(log) ? log : null, Date.now())
    await print(`${[styled(process.stdout, 'bold', head!), ...lines].join('\n')}\n`)
  })
}

/** The value as text; bytes that are none as `base64`. */
function asJson({ value, ...job }: Job & { value: Buffer | null }): object {
  const text = value && textOf(value)
  return value && text === null ? { ...job, value: null, base64: value.toString('base64') } : { ...job, value: text }
}
