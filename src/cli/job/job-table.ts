import type { Job } from '../../store.ts'
import { visible } from '../messages.ts'
import { age, table } from '../table.ts'
import { cut, noteOf, sinceOf, whatOf } from './job-text.ts'

const COLUMNS = ['ID', 'STATE', 'FOR', 'TRY', 'PRIORITY', 'KEY', 'NOTE', 'WHAT'] as const
type Row = Record<(typeof COLUMNS)[number], string>

const LONGEST_KEY = 24
const LONGEST_NOTE = 48

/** Jobs as lines, the first of which says what the columns are; no wider than `width`. Pure: `now` in ms since 1970. */
export function jobTable(jobs: readonly Job[], now: number, width: number): string[] {
  const rows = jobs.map((job) => rowOf(job, now))
  // Most jobs have none of these.
  const columns = COLUMNS.filter(
    (column) => ['ID', 'STATE', 'FOR', 'WHAT'].includes(column) || rows.some((row) => row[column]),
  )
  return table([[...columns], ...rows.map((row) => columns.map((column) => row[column]))]).map((line) =>
    cut(line, width),
  )
}

function rowOf(job: Job, now: number): Row {
  return {
    ID: String(job.id),
    STATE: job.state,
    FOR: age(now - sinceOf(job)),
    TRY: job.attempt > 1 ? String(job.attempt) : '',
    PRIORITY: job.priority === 0 ? '' : String(job.priority),
    KEY: job.key === null ? '' : cut(visible(job.key), LONGEST_KEY),
    NOTE: cut(noteOf(job, now), LONGEST_NOTE),
    WHAT: whatOf(job.request),
  }
}
