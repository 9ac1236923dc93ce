import type { GovernorLimits } from '../governor/governor.ts'
import { UsageError } from './exit-codes.ts'

/** What a command line says of a pool's governor: a limit, null to take one away. Pure, as all here. */
export type GovernorWords = { [Name in keyof GovernorLimits]?: number | null }

const BYTES = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 } as const

/** The options of the commands that have a governor. */
export const GOVERNOR_OPTIONS = {
  'max-load': { type: 'string' },
  'min-memory': { type: 'string' },
  'max-pressure': { type: 'string' },
} as const

/** @throws UsageError */
export function parseGovernor(values: { [Name in keyof typeof GOVERNOR_OPTIONS]?: string }): GovernorWords {
  const words: GovernorWords = {}
  const { 'max-load': load, 'min-memory': memory, 'max-pressure': pressure } = values
  if (load !== undefined) words.maxLoad = unlessNone(load, parseLoad)
  if (memory !== undefined) words.minMemory = unlessNone(memory, parseMemory)
  if (pressure !== undefined) words.maxPressure = unlessNone(pressure, parsePressure)
  return words
}

/** The limits that hold when these words are said where `before` held. */
export function limitsAfter(before: GovernorLimits, words: GovernorWords): GovernorLimits {
  const said = Object.entries({ ...before, ...words }).filter(([, limit]) => limit !== null && limit !== undefined)
  return Object.fromEntries(said)
}

function unlessNone(text: string, parse: (text: string) => number): number | null {
  return text === 'none' ? null : parse(text)
}

function parseLoad(text: string): number {
  const load = /^\d{1,6}(\.\d+)?$/.test(text) ? Number(text) : 0
  if (load > 0) return load
  throw new UsageError(`--max-load takes a load average such as 16 or 7.5, or none, not "${text}"`)
}

function parseMemory(text: string): number {
  const [, number, unit] = /^(\d{1,6}(?:\.\d+)?)([KMGT])i?B?$/i.exec(text) ?? []
  const bytes = Math.round(Number(number) * BYTES[(unit ?? '').toUpperCase() as keyof typeof BYTES])
  if (bytes > 0) return bytes
  throw new UsageError(`--min-memory takes an amount such as 512M or 2G, or none, not "${text}"`)
}

function parsePressure(text: string): number {
  const percent = /^\d{1,3}(\.\d+)?%?$/.test(text) ? Number.parseFloat(text) : 0
  if (percent > 0 && percent <= 100) return percent
  throw new UsageError(
    `--max-pressure takes the percentage of time that jobs may be stalled, such as 20, or none, not "${text}"`,
  )
}

/** As people read it: `load at most 5, at least 512M of memory`. Nothing where there are no limits. */
export function limitsText({ maxLoad, minMemory, maxPressure }: GovernorLimits): string {
  const parts: string[] = []
  if (maxLoad != null) parts.push(`load at most ${maxLoad}`)
  if (minMemory != null) parts.push(`at least ${bytesText(minMemory)} of memory`)
  if (maxPressure != null) parts.push(`pressure at most ${maxPressure} %`)
  return parts.join(', ')
}

function bytesText(bytes: number): string {
  const unit = (['T', 'G', 'M'] as const).find((unit) => bytes >= BYTES[unit]) ?? 'K'
  return `${Number((bytes / BYTES[unit]).toFixed(1))}${unit}`
}
