import { MOST_SLOTS } from '../../pool/owner.ts'
import { parseNumber, splitWithOperand } from '../arguments.ts'
import { UsageError } from '../exit-codes.ts'
import { GOVERNOR_OPTIONS, parseGovernor } from '../governor-words.ts'
import { helpFor } from '../help.ts'
import { govern, openNamed } from '../limit/pools.ts'
import { Signals } from '../signals.ts'

const OPTIONS = {
  pool: { type: 'string' },
  ...GOVERNOR_OPTIONS,
  help: { type: 'boolean', short: 'h' },
} as const

export async function main(words: string[]): Promise<void> {
  const { values, operand, command } = splitWithOperand(words, OPTIONS)
  if (values.help) return console.log(helpFor('resize'))
  if (!values.pool) throw new UsageError('resize: which pool? jobslot resize --pool NAME N')
  if (command.length > 0) throw new UsageError(`resize: what is meant by "${command.join(' ')}"`)
  const governor = parseGovernor(values)
  if (operand === undefined && Object.keys(governor).length === 0) {
    throw new UsageError(`resize: how many slots? jobslot resize --pool ${values.pool} N`)
  }
  const slots = operand === undefined ? null : parseNumber(operand, 'resize', { min: 0, max: MOST_SLOTS })
  const host = await openNamed(values.pool, new Signals())
  try {
    if (slots !== null) await host.resize(slots)
    await govern(host, governor)
  } finally {
    await host.close()
  }
}
