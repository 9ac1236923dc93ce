/**
 * JSON in more levels than this is no request: to write it, JSON.stringify uses the stack, which ends at a few thousand,
 * earlier where it is called from deep down. The store wraps what it is given in some levels of its own.
 */
export const MOST_DEPTH = 1000
export const WRAPPED_DEPTH = MOST_DEPTH + 10

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPENING = [0x5b, 0x7b]
const CLOSING = [0x5d, 0x7d]

/** Whether JSON nests in more levels. Without recursion, and short texts need no look at all. Pure. */
export function isDeeper(json: string, most: number): boolean {
  if (json.length <= 2 * most) return false
  let depth = 0
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at)
    if (code === QUOTE) at = endOfString(json, at)
    else if (OPENING.includes(code)) {
      if (++depth > most) return true
    } else if (CLOSING.includes(code)) depth--
  }
  return false
}

function endOfString(json: string, begin: number): number {
  for (let end = json.indexOf('"', begin + 1); end >= 0; end = json.indexOf('"', end + 1)) {
    let slashes = 0
    while (json.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return end
  }
  return json.length
}
