const SPACE = 0x20
const TAB = 0x09
const BACKSLASH = 0x5c

/** The words of a MAKEFLAGS text up to the word `--`, and from there on the text as it is: variables follow. */
export interface SplitText {
  words: string[]
  tail: string
}

/**
 * Make's own rule: blanks part words, and a backslash takes the meaning from the character behind it. The words keep
 * their backslashes. A loop, as a regular expression's stack ends where a word has some million characters.
 */
export function splitWords(text: string): SplitText {
  const words: string[] = []
  let at = 0
  while (at < text.length) {
    if (isBlank(text.charCodeAt(at))) {
      at++
      continue
    }
    const start = at
    while (at < text.length && !isBlank(text.charCodeAt(at))) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1
    const word = text.slice(start, at)
    if (word === '--') return { words, tail: text.slice(start) }
    words.push(word)
  }
  return { words, tail: '' }
}

/** Writes any text so that make reads it as a part of one word. */
export function escapeWord(text: string): string {
  return text.replaceAll(/[ \t\\]/g, '\\$&')
}

/**
 * Takes back what `escapeWord` and make write. Servers that know no escapes write a path as it is, so a backslash that
 * neither would have written stays.
 */
export function unescapeWord(word: string): string {
  return word.replaceAll(/\\([ \t\\])/g, '$1')
}

/** Keeps a backslash at a word's end from taking in the blank behind it. */
export function closeWord(word: string): string {
  let end = word.length
  while (end > 0 && word.charCodeAt(end - 1) === BACKSLASH) end--
  return (word.length - end) % 2 === 0 ? word : `${word}\\`
}

export function isDigits(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x30 || code > 0x39) return false
  }
  return text !== ''
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB
}
