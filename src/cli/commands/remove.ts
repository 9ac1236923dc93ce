import { existsSync } from 'node:fs'
import { isRunning } from '../../broker/is-running.ts'
import { placeOfPool } from '../../broker/place.ts'
import { removePool } from '../../broker/sweep.ts'
import { splitArguments } from '../arguments.ts'
import { EXIT, UsageError } from '../exit-codes.ts'
import { helpFor } from '../help.ts'
import { tell } from '../messages.ts'
import { quoted } from '../run/run-as-member.ts'

const OPTIONS = {
  pool: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

export async function main(words: string[]): Promise<void> {
  const { values, command } = splitArguments(words, OPTIONS)
  if (values.help) return console.log(helpFor('remove'))
  if (!values.pool || command.length > 0) throw new UsageError('remove: which pool? jobslot remove --pool NAME')
  const problem = remove(values.pool)
  if (problem === null) return
  tell(problem)
  process.exitCode = EXIT.unavailable
}

/** Why it was not removed. */
function remove(name: string): string | null {
  const place = placeOfPool(name)
  // Asked first: it tells where there are no pools at all.
  if (!isRunning(place) && !existsSync(place.settings)) return `there is no pool ${name}: jobslot status shows all`
  if (removePool(place)) return null
  return `pool ${name} is in use: jobslot status --pool ${quoted(name)} shows by whom; try again when they have ended`
}
