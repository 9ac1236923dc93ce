import type { StormName } from './storms.ts'

/** What all runs of one storm came to. */
export interface StormResult {
  seconds: number
  kills: number
  operations: number
  losses: number
  notes: Record<string, number>
}

/** What was lost, and how to see it again. */
export interface Loss {
  storm: StormName
  problems: string[]
  repeat: string
}

export interface Results {
  date: string
  machine: string
  /** What repeats it. */
  command: string
  storms: Partial<Record<StormName, StormResult>>
  losses: Loss[]
}

const NONE: StormResult = { seconds: 0, kills: 0, operations: 0, losses: 0, notes: {} }

/** Notes of how long something took at most begin with this. */
const AT_MOST = 'ms at most'

export function add(one: StormResult = NONE, other: StormResult): StormResult {
  const notes = { ...one.notes }
  for (const [name, value] of Object.entries(other.notes)) {
    notes[name] = name.startsWith(AT_MOST) ? Math.max(notes[name] ?? 0, value) : (notes[name] ?? 0) + value
  }
  return {
    seconds: one.seconds + other.seconds,
    kills: one.kills + other.kills,
    operations: one.operations + other.operations,
    losses: one.losses + other.losses,
    notes,
  }
}

const HEADS = ['storm', 'minutes', 'kills', 'operations', 'losses']
const number = new Intl.NumberFormat('en').format

type About = Record<StormName, { counts: readonly [string, string] }>

/** A table in Markdown, padded, so that it reads well as text too. */
export function table({ storms }: Results, about: About): string {
  const rows = Object.entries(storms).map(([name, { seconds, kills, operations, losses }]) => {
    const [killed, done] = about[name as StormName].counts
    const counts = [`${number(kills)} ${killed}`, `${number(operations)} ${done}`, number(losses)]
    return [name, (seconds / 60).toFixed(1), ...counts]
  })
  const all = Object.values(storms).reduce(add, NONE)
  const sums = [(all.seconds / 60).toFixed(1), number(all.kills), number(all.operations), number(all.losses)]
  const lines = [HEADS, ...rows, ['all', ...sums]]
  const widths = HEADS.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)))
  const text = (line: string[]) => `| ${line.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [text(lines[0]!), rule, ...lines.slice(1).map(text)].join('\n')
}

/** The section of docs/reliability.md that the command writes. */
export function section(results: Results, about: About): string {
  const { date, machine, command, storms } = results
  const notes = Object.entries(storms).flatMap(([name, { notes }]) => {
    const told = Object.entries(notes).map(([what, value]) => `${number(value)} ${what}`)
    return told.length > 0 ? [`- ${name}: ${told.join(', ')}`] : []
  })
  return [
    `${date}, on ${machine}; \`${command}\`:`,
    table(results, about),
    ...(notes.length > 0 ? [notes.join('\n')] : []),
  ].join('\n\n')
}

const MOST_PROBLEMS = 10
const LONGEST_PROBLEM = 400

/** What was lost, and how to see it again. */
export function lossText({ storm, problems, repeat }: Loss): string {
  const told = problems.slice(0, MOST_PROBLEMS).map((problem) => `  ${problem.slice(0, LONGEST_PROBLEM)}\n`)
  const more = problems.length - told.length
  return `${storm}:\n${told.join('')}${more > 0 ? `  and ${more} more\n` : ''}again: ${repeat}\n`
}

/** Between these a page has the results. */
export const MARKS = ['<!-- written by npm run torture -->', '<!-- until here -->'] as const

/** A page with this section in place of the one before; null where the page has no place for it. */
export function withSection(page: string, text: string): string | null {
  const [begin, end] = [page.indexOf(MARKS[0]), page.indexOf(MARKS[1])]
  if (begin < 0 || end < begin) return null
  return `${page.slice(0, begin + MARKS[0].length)}\n\n${text}\n\n${page.slice(end)}`
}
