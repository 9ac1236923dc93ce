import { closest } from './guess.ts'

/** What the thing is called here for which others have another name. */
const OTHER_NAMES: Record<string, string> = {
  '-v': '--version',
  version: '--version',
  pool: 'status',
  pools: 'status',
  list: 'status',
  ls: 'status',
  ps: 'status',
  top: 'status --watch',
  watch: 'status --watch',
  exec: 'acquire',
  jobs: 'job list',
  queue: 'job list',
  add: 'job add',
  work: 'job work',
  worker: 'job work',
  cancel: 'job cancel',
  retry: 'job retry',
  log: 'job log',
  show: 'job show',
}

const OTHER_JOB_NAMES: Record<string, string> = {
  create: 'add',
  push: 'add',
  submit: 'add',
  delete: 'remove',
  forget: 'remove',
  rm: 'remove',
  kill: 'cancel',
  stop: 'cancel',
  ls: 'list',
  ps: 'list',
  status: 'stats',
  logs: 'log',
  tail: 'log',
  run: 'work',
  worker: 'work',
  info: 'show',
}

/** What to say of a word that is no command of jobslot. Pure. */
export function unknownCommand(word: string, known: readonly string[]): string {
  const what = `unknown command "${word}"`
  if (/^-j/.test(word)) return `${what}; was jobslot run ${word} meant?`
  const meant = otherName(OTHER_NAMES, word) ?? closest(word, [...known, '--help', '--version'])
  if (meant !== undefined) return `${what}; was jobslot ${meant} meant?`
  if (word.startsWith('-')) return what
  return `${what}; there are ${listed(known)}; a command to run stands behind one: jobslot run -- ${word}`
}

/** The same of a word behind `job`. Pure. */
export function unknownJobCommand(word: string, known: readonly string[]): string {
  const what = `job: unknown command "${word}"`
  const meant = otherName(OTHER_JOB_NAMES, word) ?? closest(word, known)
  if (meant !== undefined) return `${what}; was jobslot job ${meant} meant?`
  return `${what}; there are ${listed(known)}`
}

export const noCommand = (known: readonly string[]): string => `no command was given; there are ${listed(known)}`
export const noJobCommand = (known: readonly string[]): string => `job: there are ${listed(known)}`

const otherName = (names: Record<string, string>, word: string) =>
  Object.hasOwn(names, word) ? names[word] : undefined

const listed = (names: readonly string[]) => `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
