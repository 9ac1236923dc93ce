/**
 * JOBSLOT_MEMBER: of which members a process is, outermost first, as `POOL/ID POOL/ID`. Pools have their file's name
 * there. Pure.
 */

export const MEMBER_VARIABLE = 'JOBSLOT_MEMBER'

/** Deeper than anybody nests; a longer list is some mistake's, and would grow for ever. */
const MOST_MARKS = 64
const MARK = /^[^/\s]+\/\d+$/

export interface Mark {
  pool: string
  id: number
}

export function parseMarks(text: string | undefined): Mark[] {
  return words(text).map((word) => {
    const slash = word.indexOf('/')
    return { pool: word.slice(0, slash), id: Number(word.slice(slash + 1)) }
  })
}

/** The innermost membership of a pool. */
export function memberOf(text: string | undefined, pool: string): number | null {
  return parseMarks(text).findLast((mark) => mark.pool === pool)?.id ?? null
}

export function addMark(text: string | undefined, mark: string): string {
  return [...words(text), mark].slice(-MOST_MARKS).join(' ')
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => MARK.test(word))
}
