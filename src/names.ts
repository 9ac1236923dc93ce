/**
 * Names of locks as names of files: any string to one that every file system takes, no two to the same, also where case
 * is not told apart. Pure.
 */

const LONGEST = 180

/** What stays as it is; all else is %XX for each byte of its UTF-8, or %uXXXX for half a surrogate pair. */
const PLAIN = /^[a-z0-9_-]+$/

export function fileNameOf(name: string): string {
  if (PLAIN.test(name) && name.length <= LONGEST) return name
  let encoded = ''
  for (const character of name) encoded += PLAIN.test(character) ? character : escaped(character)
  if (encoded === '') return '%'
  // One that is cut is told from one that is whole by its point, which is never left as it is.
  if (encoded.length > LONGEST) return `${encoded.slice(0, 100)}.${hash(encoded)}`
  return encoded
}

/** The name that a file's name stands for; of one that was cut, or is no name's, the file's name itself. */
export function nameOfFile(fileName: string): string {
  if (fileName === '%') return ''
  if (fileName.includes('.')) return fileName
  try {
    const halves = fileName.split(/%u([0-9a-f]{4})/)
    return halves
      .map((part, i) => (i % 2 ? String.fromCharCode(Number.parseInt(part, 16)) : decodeURIComponent(part)))
      .join('')
  } catch {
    return fileName
  }
}

/** Loaded where it is needed, which is hardly ever: it takes as long as all else that a command does to lock. */
function hash(text: string): string {
  const { createHash } = process.getBuiltinModule('node:crypto')
  return createHash('sha256').update(text).digest('hex')
}

function escaped(character: string): string {
  const code = character.charCodeAt(0)
  if (character.length === 1 && code >= 0xd800 && code <= 0xdfff) return `%u${code.toString(16)}`
  let text = ''
  for (const byte of Buffer.from(character)) text += `%${byte.toString(16).padStart(2, '0')}`
  return text
}
