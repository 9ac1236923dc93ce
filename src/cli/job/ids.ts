import { UsageError } from '../exit-codes.ts'

/** Words as the numbers of jobs, each once. Pure. @throws UsageError */
export function parseIds(words: readonly string[], command: string): number[] {
  if (words.length === 0) throw new UsageError(`${command}: which job? jobslot job list shows their numbers`)
  return [...new Set(words.map((word) => parseId(word, command)))]
}

/** @throws UsageError */
export function parseOneId(words: readonly string[], command: string): number {
  const [id, ...more] = parseIds(words, command)
  if (more.length > 0) throw new UsageError(`${command} takes one job, not ${words.join(' ')}`)
  return id!
}

/** @throws UsageError */
export function parseId(word: string, command: string): number {
  const id = /^\d{1,16}$/.test(word) ? Number(word) : 0
  if (id > 0 && Number.isSafeInteger(id)) return id
  throw new UsageError(`${command}: a job is named by its number, such as 7, not "${word}"`)
}
