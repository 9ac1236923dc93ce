import { type OptionTable, type Split, splitOperands } from '../arguments.ts'
import { UsageError } from '../exit-codes.ts'
import { PLACE_OPTIONS } from './place.ts'

export const LIST_OPTIONS = { ...PLACE_OPTIONS, json: { type: 'boolean' } } as const

/** Options and operands in any order; `--` ends the options. @throws UsageError */
export function splitWords<Options extends OptionTable>(
  words: string[],
  options: Options,
): { values: Split<Options>['values']; operands: string[] } {
  const { values, operands, command } = splitOperands(words, options)
  return { values, operands: [...operands, ...(command ?? [])] }
}

/** @throws UsageError */
export function refuseOperands(operands: readonly string[], command: string): void {
  if (operands.length > 0) throw new UsageError(`${command}: what is meant by "${operands.join(' ')}"`)
}
