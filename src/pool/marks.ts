/**
 * JOBSLOT_MEMBER: of which members a process is, outermost first, as `POOL/ID POOL/ID`. Pools have their file's name
 * there. Pure.
 */

export const MEMBER_VARIABLE = 'JOBSLOT_MEMBER'

/**
 * The same of members that are processes: which of them have started this one. It gives no slot, as such a member has
 * none that its children could use; what is left of a member that was killed is found by it.
 */
export const STARTED_BY_VARIABLE = 'JOBSLOT_STARTED_BY'

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

/** Null where nothing is left. */
export function removeMark(text: string | undefined, mark: string): string | null {
  return (
    words(text)
      .filter((word) => word !== mark)
      .join(' ') || null
  )
}

/** Without those of a pool. Null where nothing is left. */
export function removePool(text: string | undefined, pool: string): string | null {
  return (
    words(text)
      .filter((word) => !word.startsWith(`${pool}/`))
      .join(' ') || null
  )
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter((word) => MARK.test(word))
}
