import type { Job } from '../../store.ts'
import { visible } from '../messages.ts'
import { age, table } from '../table.ts'
import { cut, noteOf, sinceOf, whatOf } from './job-text.ts'

const COLUMNS = ['ID', 'STATE', 'FOR', 'TRY', 'PRIORITY', 'KEY', 'NOTE', 'WHAT'] as const
const ALWAYS: readonly string[] = ['ID', 'STATE', 'FOR', 'WHAT']
type Row = Record<(typeof COLUMNS)[number], string>

const LONGEST_KEY = 24
const LONGEST_NOTE = 48

/**
 * Jobs as lines no wider than `width`, the first of which says what the columns are. Pure: `now` in ms since 1970.
 *
 * @param all also columns in which nothing stands: others may follow that have something there
 */
export function jobTable(jobs: readonly Job[], now: number, width: number, all: boolean): string[] {
  const rows = jobs.map((job) => rowOf(job, now))
  const columns = COLUMNS.filter((column) => all || ALWAYS.includes(column) || rows.some((row) => row[column]))
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
