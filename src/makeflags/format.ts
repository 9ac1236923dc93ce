import type { JobserverAuth } from './auth.ts'
import { formatAuth } from './auth.ts'
import type { Flag } from './flags.ts'
import { isBare, readFlags } from './flags.ts'
import { closeWord, splitWords } from './words.ts'

export interface Limit {
  auth: JobserverAuth
  /** Null, where nobody knows it, writes a plain `-j`, as cargo does. */
  jobs: number | null
}

/** Make ignores it as a word of its own. */
const SPACER = '-'

/**
 * Puts a limit in the place of the one that the text names; null only takes that away. All other flags, and the
 * variables behind `--`, stay as they are.
 */
export function rewriteMakeflags(text: string, limit: Limit | null): string {
  const { words, tail } = splitWords(text)
  const parts = withoutLimit(readFlags(words))
  if (limit) parts.push(`-j${limit.jobs ?? ''}`, formatAuth(limit.auth))
  if (tail !== '') parts.push(tail)
  const [first] = parts
  if (first === undefined) return ''
  // The leading blank says, as it does in make's own text, that no word of short flags comes first.
  return isBare(first) ? parts.join(' ') : ` ${parts.join(' ')}`
}

function withoutLimit(flags: readonly Flag[]): string[] {
  const kept: string[] = []
  let afterGap = false
  for (const flag of flags) {
    const words = keptOf(flag)
    // A bare word must not move up to where make would read it as short flags, or as an argument.
    if (afterGap && words[0] !== undefined && isBare(words[0])) kept.push(SPACER)
    kept.push(...words.map(closeWord))
    afterGap = words.length === 0
  }
  return kept
}

function keptOf({ kind, letters, words }: Flag): string[] {
  switch (kind) {
    case 'jobs':
      return letters === '' || letters === '-' ? [] : [letters]
    case 'auth':
    case 'jobserver':
      return []
    case 'load':
    case 'other':
      return words
  }
}
