import type { ErrorCode } from '../errors.ts'
import { escapeWord, isDigits, unescapeWord } from './words.ts'

/**
 * Where a jobserver is to be found: at two descriptors that this process has inherited (`pipe`), at a path (`fifo`), or,
 * on Windows alone, at a semaphore's name.
 */
export type JobserverAuth =
  | { style: 'pipe'; read: number; write: number }
  | { style: 'fifo'; path: string }
  | { style: 'semaphore'; name: string }

/** What a word says about a jobserver: where it is, or why that is no use. */
export type ReadAuth =
  | { jobserver: JobserverAuth; problem: null; code: null }
  | { jobserver: null; problem: string; code: ErrorCode }

const MAX_DESCRIPTOR = 2 ** 31 - 1
/** MAX_PATH, the limit for the name of a Windows kernel object. */
const MAX_SEMAPHORE_NAME = 260
/** Enough to know a value by, and a message stays a line. */
const MAX_QUOTED = 80

const FIFO = 'fifo:'

/** Reads the value of `--jobserver-auth=` or `--jobserver-fds=`; `name` is the one that was used. */
export function readAuth(name: string, value: string): ReadAuth {
  if (value === '') {
    return unusable('ERR_JOBSLOT_BAD_AUTH', `${name} has no value: write R,W or fifo:PATH behind it, or remove it`)
  }
  if (value.startsWith(FIFO)) return readFifo(name, value)
  return readPipe(name, value) ?? readSemaphore(name, value)
}

/** Writes the words that tell a client where the jobserver is. */
export function formatAuth(auth: JobserverAuth): string {
  switch (auth.style) {
    case 'pipe': {
      // Some clients know only the older spelling; those that know both take the last.
      const ends = `${auth.read},${auth.write}`
      return `--jobserver-fds=${ends} --jobserver-auth=${ends}`
    }
    case 'fifo':
      return `--jobserver-auth=${FIFO}${escapeWord(auth.path)}`
    case 'semaphore':
      return `--jobserver-auth=${auth.name}`
  }
}

function readFifo(name: string, value: string): ReadAuth {
  const path = unescapeWord(value.slice(FIFO.length))
  if (path !== '') return usable({ style: 'fifo', path })
  return unusable(
    'ERR_JOBSLOT_BAD_AUTH',
    `${name}=fifo: has no path: write the path of the FIFO behind the colon, or remove it`,
  )
}

/** Null where the value is not two numbers. */
function readPipe(name: string, value: string): ReadAuth | null {
  const comma = value.indexOf(',')
  if (comma < 0) return null
  const ends = [value.slice(0, comma), value.slice(comma + 1)]
  if (!ends.every((end) => isDigits(end.startsWith('-') ? end.slice(1) : end))) return null
  if (ends.some((end) => end.startsWith('-'))) {
    return unusable(
      'ERR_JOBSLOT_WITHHELD',
      `make keeps its jobserver from this command (${quote(name, value)}): mark the recipe line with '+' so that make hands it on`,
    )
  }
  const [read, write] = ends.map(Number) as [number, number]
  if (read > MAX_DESCRIPTOR || write > MAX_DESCRIPTOR) {
    return unusable(
      'ERR_JOBSLOT_BAD_DESCRIPTOR',
      `${quote(name, value)} has a number that no descriptor can have: correct it, or remove it`,
    )
  }
  return usable({ style: 'pipe', read, write })
}

/**
 * On Windows any name will do, but the servers that are known write letters, digits and an underscore at least
 * (`gmake_semaphore_1824`, `__rust_jobserver_semaphore_77`, `jobserver_pool`). What looks otherwise is damage, and is
 * better called so than looked for.
 */
function readSemaphore(name: string, value: string): ReadAuth {
  if (value.length <= MAX_SEMAPHORE_NAME && value.includes('_') && /^[A-Za-z_][A-Za-z0-9_]*$/.test(value)) {
    return usable({ style: 'semaphore', name: value })
  }
  return unusable(
    'ERR_JOBSLOT_BAD_AUTH',
    `${quote(name, value)} names no jobserver, as R,W or fifo:PATH or a semaphore's name would: correct it, or remove it`,
  )
}

function usable(jobserver: JobserverAuth): ReadAuth {
  return { jobserver, problem: null, code: null }
}

function unusable(code: ErrorCode, problem: string): ReadAuth {
  return { jobserver: null, problem, code }
}

function quote(name: string, value: string): string {
  const shown = value.length > MAX_QUOTED ? `${value.slice(0, MAX_QUOTED)}…` : value
  // Control characters would play with the terminal that a message is shown on.
  return `${name}=${shown.replaceAll(/\p{Cc}/gu, '?')}`
}
