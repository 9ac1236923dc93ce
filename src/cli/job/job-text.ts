import type { Job } from '../../store.ts'
import { visible } from '../messages.ts'
import { age } from '../table.ts'
import { commandOf } from './command-request.ts'

/** A job in words. Pure: `now` in milliseconds since 1970. */

/** What is to be done: a command as a shell would read it, or JSON. */
export function whatOf(request: unknown): string {
  const command = commandOf(request)
  return visible(command ? command.cmd.map(quoted).join(' ') : JSON.stringify(request))
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** Since when it has ended or runs; of one that waits, since when there is one: when it was retried nobody wrote down. */
export const sinceOf = ({ started, finished, created }: Job): number => finished ?? started ?? created

/** What `job cancel` says of its jobs. */
export const CANCELLED = 'it was cancelled'

/** The first line of its error, if that says more than its state does. */
export function whyOf({ error }: Pick<Job, 'error'>): string {
  const [line = ''] = error?.message.split('\n', 1) ?? []
  return line === CANCELLED ? '' : visible(line)
}

/** Why it is where it is, in few words. */
export function noteOf(job: Job, now: number): string {
  const { state, runAt, after, pid, progress } = job
  const why = whyOf(job)
  switch (state) {
    case 'delayed':
      return [
        ...(runAt !== null && runAt > now ? [`in ${age(runAt - now)}`] : []),
        ...(after.length > 0 ? [`after ${after.join(', ')}`] : []),
        ...(why ? [`failed: ${why}`] : []),
      ].join(', ')
    case 'active':
      return [...(pid === null ? [] : [`process ${pid}`]), ...(progress === null ? [] : [progressText(progress)])].join(
        ', ',
      )
    case 'fulfilled':
      return ''
    case 'pending':
      return why && `failed: ${why}`
    default:
      return why
  }
}

export function progressText(progress: unknown): string {
  return visible(typeof progress === 'string' ? progress : JSON.stringify(progress))
}

/** With `…` where it is longer. */
export function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, Math.max(0, most - 1))}…` : text
}

/** `2026-11-22 10:00:00`, by this computer's clock. */
export function localTime(ms: number): string {
  const date = new Date(ms)
  const two = (number: number) => String(number).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}
