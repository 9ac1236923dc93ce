import { isDigits } from './words.ts'

/** One flag as make's option parser reads it. A word of short flags is one of these: of the flag that ends it. */
export interface Flag {
  /** `auth` and `jobserver`: a word that names a jobserver, any other word about it. */
  kind: 'jobs' | 'load' | 'auth' | 'jobserver' | 'other'
  /** As written, `--jobserver-auth`, for the messages. */
  name: string
  /** Null where the flag has none. */
  argument: string | null
  /** The short flags before it in its word, with the word's dash if it has one: `k` of `kj8`, `-` of `-j8`. */
  letters: string
  /** Two where the argument is a word of its own. */
  words: string[]
}

/** Short flags whose argument is the rest of the word, so that the `j8` of `Iproj8` is none. */
const TAKES_ARGUMENT = /[CEIOWfjlo]/

const LONG_KINDS: Readonly<Record<string, Flag['kind']>> = {
  '--jobs': 'jobs',
  '--load-average': 'load',
  '--max-load': 'load',
  '--jobserver-auth': 'auth',
  '--jobserver-fds': 'auth',
}

export function readFlags(words: readonly string[]): Flag[] {
  const flags: Flag[] = []
  for (let i = 0; i < words.length; ) {
    const flag = readFlag(words[i]!, words[i + 1], i === 0)
    flags.push(flag)
    i += flag.words.length
  }
  return flags
}

/**
 * Whether make would read the word as short flags where it comes first, although it has no dash. Anywhere else make
 * 4.3 ignores such a word, and make 4.4 takes it for a goal.
 */
export function isBare(word: string): boolean {
  return !word.startsWith('-') && !word.includes('=')
}

function readFlag(word: string, next: string | undefined, first: boolean): Flag {
  if (word.startsWith('--')) return readLong(word, next)
  if (word.startsWith('-') || (first && isBare(word))) return readShort(word, next)
  return { kind: 'other', name: word, argument: null, letters: '', words: [word] }
}

function readLong(word: string, next: string | undefined): Flag {
  const equals = word.indexOf('=')
  const name = equals < 0 ? word : word.slice(0, equals)
  const kind = longKind(name)
  const argument = equals < 0 ? null : word.slice(equals + 1)
  return withNext({ kind, name, argument, letters: '', words: [word] }, next)
}

function longKind(name: string): Flag['kind'] {
  if (Object.hasOwn(LONG_KINDS, name)) return LONG_KINDS[name]!
  return name.startsWith('--jobserver-') ? 'jobserver' : 'other'
}

function readShort(word: string, next: string | undefined): Flag {
  const at = word.search(TAKES_ARGUMENT)
  const letter = word[at]
  if (letter !== 'j' && letter !== 'l') {
    return { kind: 'other', name: word, argument: null, letters: at < 0 ? word : word.slice(0, at), words: [word] }
  }
  const kind = letter === 'j' ? 'jobs' : 'load'
  const argument = at + 1 < word.length ? word.slice(at + 1) : null
  return withNext({ kind, name: `-${letter}`, argument, letters: word.slice(0, at), words: [word] }, next)
}

/** Make takes the next word for an argument that is missing, where it looks like one. */
function withNext(flag: Flag, next: string | undefined): Flag {
  if (flag.argument !== null || next === undefined || !looksLikeArgument(flag.kind, next)) return flag
  return { ...flag, argument: next, words: [...flag.words, next] }
}

function looksLikeArgument(kind: Flag['kind'], word: string): boolean {
  switch (kind) {
    case 'jobs':
      return isDigits(word)
    case 'load':
      return /^[\d.]/.test(word)
    case 'auth':
    case 'jobserver':
      return !word.startsWith('-')
    case 'other':
      return false
  }
}
