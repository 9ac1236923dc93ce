import type { ErrorCode } from '../errors.ts'
import type { JobserverAuth } from './auth.ts'
import { readAuth } from './auth.ts'
import type { Flag } from './flags.ts'
import { readFlags } from './flags.ts'
import { isDigits } from './words.ts'

/** What a MAKEFLAGS text says. */
export interface Makeflags {
  /** Null where none is named, and where the one that is named cannot be used: then `problem` says why. */
  jobserver: JobserverAuth | null
  /** What is wrong, a colon, what to do about it. */
  problem: string | null
  /** Stable, and set where `problem` is. */
  code: ErrorCode | null
  /** N of the last `-jN`; null for a plain `-j`, and without any. */
  jobs: number | null
  /** N of the last `-lN`; null for a plain `-l`, and without any. */
  load: number | null
  /** Make was started with `-n`. The jobserver is there all the same: recipe lines marked with `+` do run. */
  dryRun: boolean
}

/** Above this make 4.3 refuses `-jN`. */
const MAX_JOBS = 2 ** 31 - 1

/**
 * Reads the value of MAKEFLAGS. Takes any text, in linear time, and throws at none: `problem` says what is wrong.
 *
 * @example
 * ```js
 * import { parseMakeflags } from 'jobslot'
 *
 * console.log(parseMakeflags('k -j8 --jobserver-auth=fifo:/tmp/GMfifo123').jobserver)
 * ```
 */
export function parseMakeflags(text: string): Makeflags {
  if (typeof text !== 'string') {
    throw new TypeError(`parseMakeflags takes the text of a MAKEFLAGS, a string, not ${String(text)}`)
  }
  let auth: Flag | null = null
  let jobs: number | null = null
  let load: number | null = null
  let dryRun: boolean | null = null
  for (const flag of readFlags(text)) {
    dryRun ??= isDryRun(flag)
    if (flag.kind === 'auth') auth = flag
    else if (flag.kind === 'jobs') jobs = readNumber(flag, jobs, jobsOf)
    else if (flag.kind === 'load') load = readNumber(flag, load, loadOf)
  }
  const found = auth ? readAuth(auth.name, auth.argument ?? '') : { jobserver: null, problem: null, code: null }
  return { ...found, jobs, load, dryRun: dryRun ?? false }
}

/** As make 4.3 has it: without an argument there is no limit, and a bad one changes nothing. Make 4.4 ends at it. */
function readNumber(flag: Flag, before: number | null, read: (text: string) => number | null): number | null {
  return flag.argument === null ? null : (read(flag.argument) ?? before)
}

function jobsOf(text: string): number | null {
  const jobs = isDigits(text) ? Number(text) : 0
  return jobs >= 1 && jobs <= MAX_JOBS ? jobs : null
}

function loadOf(text: string): number | null {
  const load = Number.parseFloat(text)
  return Number.isFinite(load) && load >= 0 ? load : null
}

/** Make writes its short flags first, without a dash: a first word with a dash is some other program's. */
function isDryRun(first: Flag): boolean {
  return !first.letters.startsWith('-') && first.letters.includes('n')
}
