import type { JobserverAuth } from './auth.ts'
import { formatAuth } from './auth.ts'
import type { Flag } from './flags.ts'
import { isBare, readFlags } from './flags.ts'
import { closeWord } from './words.ts'

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
  const words: string[] = []
  const limitWords = limit ? [`-j${limit.jobs ?? ''}`, formatAuth(limit.auth)] : []
  let variables: string[] = []
  let previous: Flag | null = null
  let gap = false
  for (const flag of readFlags(text)) {
    if (flag.kind === 'variables') {
      variables = [flag.source]
      break
    }
    const kept = keptOf(flag)
    if (kept === '') {
      gap = true
      continue
    }
    if (gap && changesBehind(previous, kept)) words.push(SPACER)
    words.push(closeWord(kept))
    previous = flag
    gap = false
  }
  const rewritten = [...words, ...limitWords, ...variables].join(' ')
  // The leading blank says, as it does in make's own text, that no word of short flags comes first.
  return rewritten === '' || isBare(words[0] ?? '-') ? rewritten : ` ${rewritten}`
}

/** Whether make would read a word otherwise once it has moved up to this flag, or to the start. */
function changesBehind(previous: Flag | null, word: string): boolean {
  if (word.startsWith('-')) return false
  return isBare(word) || (previous?.kind === 'load' && previous.argument === null)
}

/** What stays of a flag; '' for nothing. */
function keptOf({ kind, letters, source }: Flag): string {
  if (kind === 'auth' || kind === 'jobserver') return ''
  if (kind !== 'jobs') return source
  return letters === '-' ? '' : letters
}
