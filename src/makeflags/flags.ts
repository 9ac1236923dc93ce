import { endOfWord, isDigits, startOfWord } from './words.ts'

/** One flag as make's option parser reads it. A word of several short flags is the one that ends it. */
export interface Flag {
  /**
   * `auth` and `jobserver`: it names a jobserver, or is otherwise about one. `variables`: no flag, but the word `--` and
   * all that is behind it.
   */
  kind: 'jobs' | 'load' | 'auth' | 'jobserver' | 'other' | 'variables'
  /** For a message: `--jobserver-auth`, say. */
  name: string
  /** Null where the flag has none. */
  argument: string | null
  /** The short flags before it in its word, with the word's dash if it has one: `k` of `kj8`, `-` of `-j8`. */
  letters: string
  /** As it stands in the text: two words where the argument is a word of its own. */
  source: string
}

type Kind = Flag['kind']

/** Short flags whose argument is the rest of the word, so that the `j8` of `Iproj8` is none. */
const TAKES_ARGUMENT = /[CEIOWfjlo]/

const LONG_KINDS = new Map<string, Kind>([
  ['--jobs', 'jobs'],
  ['--load-average', 'load'],
  ['--max-load', 'load'],
  ['--jobserver-auth', 'auth'],
  ['--jobserver-fds', 'auth'],
])

/** The flags of a MAKEFLAGS text in order, one at a time: a text may be long. */
export function* readFlags(text: string): Generator<Flag, void> {
  const first = startOfWord(text, 0)
  for (let start = first; start < text.length; ) {
    let end = endOfWord(text, start)
    const word = text.slice(start, end)
    if (word === '--') {
      yield { kind: 'variables', name: word, argument: null, letters: '', source: text.slice(start) }
      return
    }
    const flag = readWord(word, start === first)
    if (flag.argument === null && flag.kind !== 'other') {
      // Make takes the next word for an argument that is missing, where it looks like one.
      const nextStart = startOfWord(text, end)
      const nextEnd = endOfWord(text, nextStart)
      const next = text.slice(nextStart, nextEnd)
      if (looksLikeArgument(flag.kind, next)) {
        flag.argument = next
        flag.source = text.slice(start, nextEnd)
        end = nextEnd
      }
    }
    yield flag
    start = startOfWord(text, end)
  }
}

/**
 * Whether make would read the word as short flags where it comes first, although it has no dash. Anywhere else make
 * 4.3 ignores such a word, and make 4.4 takes it for a goal.
 */
export function isBare(word: string): boolean {
  return !word.startsWith('-') && !word.includes('=')
}

function readWord(word: string, first: boolean): Flag {
  if (word.startsWith('--')) return readLong(word)
  if (word.startsWith('-') || (first && isBare(word))) return readShort(word)
  return { kind: 'other', name: word, argument: null, letters: '', source: word }
}

function readLong(word: string): Flag {
  const equals = word.indexOf('=')
  const name = equals < 0 ? word : word.slice(0, equals)
  const kind = LONG_KINDS.get(name) ?? (name.startsWith('--jobserver-') ? 'jobserver' : 'other')
  return { kind, name, argument: equals < 0 ? null : word.slice(equals + 1), letters: '', source: word }
}

function readShort(word: string): Flag {
  const at = word.search(TAKES_ARGUMENT)
  if (at < 0) return { kind: 'other', name: word, argument: null, letters: word, source: word }
  const letter = word.charAt(at)
  return {
    kind: letter === 'j' ? 'jobs' : letter === 'l' ? 'load' : 'other',
    name: `-${letter}`,
    argument: word.slice(at + 1) || null,
    letters: word.slice(0, at),
    source: word,
  }
}

function looksLikeArgument(kind: Kind, word: string): boolean {
  if (kind === 'jobs') return isDigits(word)
  if (kind === 'load') return /^[\d.]/.test(word)
  return word !== '' && !word.startsWith('-')
}
