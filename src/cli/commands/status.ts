import { splitArguments } from '../arguments.ts'
import { UsageError } from '../exit-codes.ts'
import { helpFor } from '../help.ts'
import { styled } from '../messages.ts'
import { everyPool, onlooker } from '../status/look.ts'
import { type Shown, statusLines } from '../status/status-table.ts'

const OPTIONS = {
  pool: { type: 'string' },
  all: { type: 'boolean' },
  json: { type: 'boolean' },
  watch: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

export async function main(words: string[]): Promise<void> {
  const { values, command } = splitArguments(words, OPTIONS)
  if (values.help) return console.log(helpFor('status'))
  if (command.length > 0)
    throw new UsageError(`status: what is meant by "${command.join(' ')}"? A pool is named by --pool`)
  if (values.pool === '') throw new UsageError('status: --pool has an empty name')
  const { pool, json = false, all = false } = values
  if (all && pool !== undefined) throw new UsageError('status: --all and --pool exclude each other')
  const seen = all ? everyPool() : onlooker(pool, !json)
  try {
    if (values.watch) {
      const { watch } = await import('../status/watch.ts')
      return await watch(seen, { json })
    }
    const shown = await seen.look()
    const found = shown.map(({ status }) => status)
    console.log(json ? JSON.stringify(all ? found : found[0], null, 2) : inWords(shown))
  } finally {
    await seen.close()
  }
}

function inWords(shown: Shown[]): string {
  if (shown.length === 0) return 'no pool has been made'
  const now = Date.now()
  return shown
    .map((one) => {
      const [head = '', ...rows] = statusLines(one, now)
      return [styled(process.stdout, 'bold', head), ...rows].join('\n')
    })
    .join('\n\n')
}
