import type { Job } from '../../store.ts'
import { visible } from '../messages.ts'
import { age, table } from '../table.ts'
import { commandOf } from './command-request.ts'
import { cut, localTime, progressText, whatOf } from './job-text.ts'

const LONGEST_REQUEST = 4000

/** All that is known of a job, as lines; the first is its head. Pure: `now` in ms since 1970. */
export function showLines(job: Job & { value: Buffer | null }, log: string | null, now: number): string[] {
  const { id, state, request, attempt, failures, lost, priority, created, runAt, started, finished, error } = job
  const command = commandOf(request)
  const when = (ms: number) => `${localTime(ms)} (${ms > now ? `in ${age(ms - now)}` : `${age(now - ms)} ago`})`
  const rows: [string, string | number | null][] = [
    [command ? 'command' : 'request', cut(whatOf(request), LONGEST_REQUEST)],
    ['folder', command && visible(command.cwd)],
    ['created', when(created)],
    ['not before', runAt !== null && runAt > now ? when(runAt) : null],
    ['after', job.after.join(', ') || null],
    ['started', started !== null ? when(started) : null],
    ['process', job.pid],
    ['progress', job.progress === null ? null : progressText(job.progress)],
    ['finished', finished !== null ? when(finished) : null],
    ['runs', attempt || null],
    ['failures', failures || null],
    ['workers lost', lost || null],
    ['priority', priority || null],
    ['key', job.key === null ? null : visible(job.key)],
    ['version', job.version > 1 ? job.version : null],
    ['waiting for its end', job.waiting.length || null],
    ['log', log && visible(log)],
  ]
  const known = rows.filter(([, what]) => what !== null).map(([name, what]) => [`${name}:`, String(what)])
  return [
    `job ${id}: ${state}`,
    ...table(known),
    ...(error ? ['error:', ...textLines(error.stack ?? error.message)] : []),
    ...(job.value ? valueLines(job.value) : []),
  ]
}

function valueLines(value: Buffer): string[] {
  if (value.length === 0) return []
  const text = textOf(value)
  return text === null ? [`value: ${value.length} bytes that are no text`] : ['value:', ...textLines(text)]
}

/** Null for bytes that are no text. */
export function textOf(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}

const textLines = (text: string): string[] =>
  text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => `  ${visible(line)}`)
