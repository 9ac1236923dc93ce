// Loops, not regular expressions: one that knows of escapes runs out of stack in a word of some million characters.

const SPACE = 0x20
const TAB = 0x09
const BACKSLASH = 0x5c

/**
 * Make's own rule for words: blanks part them, and a backslash takes the meaning from the character behind it.
 *
 * @returns where the word that starts at `start` ends.
 */
export function endOfWord(text: string, start: number): number {
  let at = start
  while (at < text.length && !isBlank(text.charCodeAt(at))) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1
  return Math.min(at, text.length)
}

/** @returns where the first word at or behind `start` starts. */
export function startOfWord(text: string, start: number): number {
  let at = start
  while (at < text.length && isBlank(text.charCodeAt(at))) at++
  return at
}

/** Writes any text so that make reads it as a part of one word. */
export function escapeWord(text: string): string {
  let escaped = ''
  let copied = 0
  for (let at = 0; at < text.length; at++) {
    if (!isSpecial(text.charCodeAt(at))) continue
    escaped += `${text.slice(copied, at)}\\`
    copied = at
  }
  return escaped + text.slice(copied)
}

/**
 * Takes back what `escapeWord` and make write. Servers that know no escapes write a path as it is, so a backslash that
 * neither would have written stays.
 */
export function unescapeWord(word: string): string {
  let text = ''
  let copied = 0
  for (let at = 0; at + 1 < word.length; at++) {
    if (word.charCodeAt(at) !== BACKSLASH || !isSpecial(word.charCodeAt(at + 1))) continue
    text += word.slice(copied, at)
    copied = ++at
  }
  return text + word.slice(copied)
}

/** Keeps a backslash at a word's end from taking in the blank behind it. */
export function closeWord(word: string): string {
  let end = word.length
  while (end > 0 && word.charCodeAt(end - 1) === BACKSLASH) end--
  return (word.length - end) % 2 === 0 ? word : `${word}\\`
}

export function isDigits(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x30 || code > 0x39) return false
  }
  return text !== ''
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB
}

function isSpecial(code: number): boolean {
  return isBlank(code) || code === BACKSLASH
}
