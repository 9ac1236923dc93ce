import type { ParseArgsConfig } from 'node:util'
import { parseArgs } from 'node:util'
import { UsageError } from './exit-codes.ts'
import { closest } from './guess.ts'

export type OptionTable = NonNullable<ParseArgsConfig['options']>

/** The words of a command line, told apart. Pure. */
export interface Split<Options extends OptionTable> {
  values: ReturnType<typeof parseArgs<{ options: Options }>>['values']
  /** The command to run and its arguments: all behind `--`, or from the first word that is no option. */
  command: string[]
}

/** @throws UsageError */
export function splitArguments<Options extends OptionTable>(words: string[], options: Options): Split<Options> {
  // Most say nothing but the command, and need not load what reads options.
  if (words[0] === '--' || words[0]?.[0] !== '-') {
    return { values: {} as Split<Options>['values'], command: words.slice(words[0] === '--' ? 1 : 0) }
  }
  // Read once leniently to find where the command begins: behind it, every word is the command's own.
  const { tokens } = parseArgs({ args: words, options, strict: false, allowPositionals: true, tokens: true })
  const first = tokens.find((token) => token.kind === 'positional' || token.kind === 'option-terminator')
  const end = first ? first.index : words.length
  const command = words.slice(first?.kind === 'option-terminator' ? end + 1 : end)
  return { values: strictly(words, end, options, tokens).values, command }
}

/**
 * Options and operands in any order; a command stands behind `--` alone, and is null where there is none.
 *
 * @throws UsageError
 */
export function splitOperands<Options extends OptionTable>(
  words: string[],
  options: Options,
): { values: Split<Options>['values']; operands: string[]; command: string[] | null } {
  const { tokens } = parseArgs({ args: words, options, strict: false, allowPositionals: true, tokens: true })
  const end = tokens.find(({ kind }) => kind === 'option-terminator')?.index ?? words.length
  const command = end < words.length ? words.slice(end + 1) : null
  return { ...strictly(words, end, options, tokens), command }
}

/** Of one that `parseArgs` gives, what is looked at here. */
interface Token {
  kind: 'positional' | 'option-terminator' | 'option'
  index: number
  rawName?: string
  value?: string | undefined
  inlineValue?: boolean | undefined
}

/** The words before `end`, in which nothing may be but these options, and operands. @throws UsageError */
function strictly<Options extends OptionTable>(
  words: string[],
  end: number,
  options: Options,
  tokens: readonly Token[],
): { values: Split<Options>['values']; operands: string[] } {
  const args = words.slice(0, end)
  for (const token of tokens.toReversed()) {
    if (token.index >= end || token.kind !== 'option' || token.inlineValue !== false) continue
    // `--priority -2`: to a strict reader that is an option without its value.
    if (/^-\d/.test(token.value ?? '')) {
      const isLong = token.rawName?.startsWith('--')
      args.splice(token.index, 2, `${token.rawName}${isLong ? '=' : ''}${token.value}`)
    }
  }
  try {
    const { values, positionals } = parseArgs({ args, options, strict: true, allowPositionals: true })
    return { values: values as Split<Options>['values'], operands: positionals }
  } catch (error) {
    throw new UsageError(usageMessage(error as Error, options))
  }
}

/** The same with one word of the command's own before CMD, before or behind which the options stand. @throws UsageError */
export function splitWithOperand<Options extends OptionTable>(
  words: string[],
  options: Options,
): Split<Options> & { operand: string | undefined } {
  const before = splitArguments(words, options)
  const [operand, ...rest] = before.command
  // Behind -- stands CMD alone.
  const ended = words[words.length - before.command.length - 1] === '--'
  if (ended) return { values: before.values, operand: undefined, command: before.command }
  if (operand === undefined) return { values: before.values, operand, command: [] }
  const behind = splitArguments(rest, options)
  return { values: { ...before.values, ...behind.values }, operand, command: behind.command }
}

/** Node's first sentence. The next ones explain how to write words with a dash, by rules that are not these here. */
function usageMessage(error: Error, options: OptionTable): string {
  const [, unknown] = /^Unknown option '(-[^']*)'/.exec(error.message) ?? []
  if (unknown !== undefined) return unknownOption(unknown, Object.keys(options))
  const [, option] = /^Option '(-[^',\s]*).*argument (?:is ambiguous|missing)/.exec(error.message) ?? []
  if (option !== undefined) return `${option} needs a value`
  return error.message.replace(/\.\s+(To specify|Did you forget).*$/s, '').replace(/\.$/, '')
}

function unknownOption(option: string, known: readonly string[]): string {
  if (/^-\d/.test(option)) return `${option} is no option, and no number here is below 0`
  const meant = option.startsWith('--') ? closest(option.slice(2), known) : undefined
  return `unknown option ${option}${meant === undefined ? '' : `; was --${meant} meant?`}`
}

/** What --timeout and --no-wait say, in milliseconds; null where neither is there. @throws UsageError */
export function parseWait(values: { timeout?: string; 'no-wait'?: boolean }, command: string): number | null {
  if (values['no-wait']) {
    if (values.timeout !== undefined) throw new UsageError(`${command}: --no-wait and --timeout exclude each other`)
    return 0
  }
  return values.timeout === undefined ? null : parseDuration(values.timeout, '--timeout')
}

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const LONGEST_DAYS = 36_500

/** `500ms`, `10s`, `2m`, `1h`, `7d`; a bare number is seconds. In milliseconds. @throws UsageError */
export function parseDuration(text: string, option: string): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? []
  if (number === undefined) {
    throw new UsageError(`${option} takes a time such as 500ms, 10s, 2m, 1h or 7d, not "${text}"`)
  }
  const ms = Number(number) * UNITS_MS[unit as keyof typeof UNITS_MS]
  if (ms <= LONGEST_DAYS * UNITS_MS.d) return ms
  throw new UsageError(`${option} takes at most ${LONGEST_DAYS}d, not "${text}"`)
}

/** `4` or `1..8`. @throws UsageError */
export function parseCount(text: string): { min: number; max: number } {
  const [, low, high = low] = /^(\d{1,9})(?:\.\.(\d{1,9}))?$/.exec(text) ?? []
  const [min, max] = [Number(low), Number(high)]
  if (!(min >= 1 && max >= min)) {
    throw new UsageError(`--count takes a number of slots such as 4, or MIN..MAX such as 1..8, not "${text}"`)
  }
  return { min, max }
}

/** @throws UsageError */
export function parseNumber(text: string, option: string, range: { min: number; max: number }): number {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (!(number >= range.min && number <= range.max)) {
    throw new UsageError(`${option} takes a whole number from ${range.min} to ${range.max}, not "${text}"`)
  }
  return number
}

/** 0 where none is given. @throws UsageError */
export function parsePriority(text: string | undefined): number {
  if (text === undefined) return 0
  if (!/^[+-]?\d{1,4}$/.test(text)) {
    throw new UsageError(`--priority takes a whole number, 0 for those without one, not "${text}"`)
  }
  return Number(text)
}

/** 1 where none is given. @throws UsageError */
export function parseWeight(text: string | undefined): number {
  if (text === undefined) return 1
  const weight = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : 0
  if (!(weight >= 0.01 && weight <= 1000)) {
    throw new UsageError(`--weight takes a number from 0.01 to 1000, 1 for those without one, not "${text}"`)
  }
  return weight
}
