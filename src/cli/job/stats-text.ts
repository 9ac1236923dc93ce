import type { Report, Stats } from '../../store.ts'
import { visible } from '../messages.ts'
import { count, table } from '../table.ts'

/** What a store holds, and what is wrong with it, as text for people. Pure. */

export function statsLines(stats: Stats, dir: string): string[] {
  const { delayed, pending, active, fulfilled, failed, cancelled } = stats
  const counts = Object.entries({ delayed, pending, active, fulfilled, failed, cancelled })
  const width = Math.max(...counts.map(([, number]) => String(number).length))
  return [
    visible(dir),
    ...table(counts.map(([state, number]) => [`  ${state}`, String(number).padStart(width)])),
    ...(stats.paused ? ['paused: no job is started until jobslot job resume'] : []),
    `${count(stats.workers, 'worker')} ${stats.workers === 1 ? 'holds' : 'hold'} a job`,
    ...damageLines(stats),
  ]
}

export function reportLines(report: Report): string[] {
  const jobs = count(report.jobs, 'job')
  if (report.ok) return [`${jobs}, and nothing is damaged`]
  const { values } = report
  return [
    ...damageLines(report),
    ...(values.length > 0 ? [`damage: the value of ${values.map((id) => `job ${id}`).join(', ')} cannot be read`] : []),
    `${jobs} can be read: jobslot job compact leaves out what cannot`,
  ]
}

function damageLines({ damage, missing, impossible }: Pick<Report, 'damage' | 'missing' | 'impossible'>): string[] {
  return [
    ...damage.map(({ file, offset, bytes }) => `damage: ${file}: ${count(bytes, 'byte')} at ${offset} cannot be read`),
    ...(missing > 0 ? [`damage: ${count(missing, 'line')} of the journal ${missing === 1 ? 'is' : 'are'} lost`] : []),
    ...(impossible > 0 ? [`damage: ${count(impossible, 'line')} left out, as what they rest on is lost`] : []),
  ]
}
