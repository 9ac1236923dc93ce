import type { Makeflags } from './parse.ts'
import { parseMakeflags } from './parse.ts'

const VARIABLES = ['MAKEFLAGS', 'CARGO_MAKEFLAGS', 'MFLAGS'] as const

export interface FoundMakeflags {
  variable: (typeof VARIABLES)[number]
  flags: Makeflags
}

/**
 * The first variable that names a jobserver, usable or not; null if none does. A make above that was told `-j1` ends
 * the search: what a variable behind MAKEFLAGS names then belongs to a build further up, and one job is all there is.
 */
export function findMakeflags(env: Record<string, string | undefined>): FoundMakeflags | null {
  for (const variable of VARIABLES) {
    const text = env[variable]
    if (!text) continue
    const flags = parseMakeflags(variable === 'MFLAGS' ? fromMflags(text) : text)
    if (flags.jobserver || flags.problem) return { variable, flags }
    if (variable === 'MAKEFLAGS' && flags.jobs === 1 && Number(env.MAKELEVEL) >= 1) return { variable, flags }
  }
  return null
}

/** In MFLAGS make puts a dash before its short flags, and doubles what is a dollar sign in MAKEFLAGS. */
function fromMflags(text: string): string {
  return text.replace(/^[ \t]*-(?=[^- \t])/, '').replaceAll('$$', '$')
}
