import { readFileSync } from 'node:fs'

/** When one job ran, in nanoseconds of CLOCK_MONOTONIC. A job that was killed, or runs still, has no end. */
export interface Span {
  pid: number
  label: string
  begin: bigint
  end: bigint | null
}

/** What `job` has recorded in a file, in the order in which the jobs began; nothing where the file does not exist. */
export function readSpans(file: string): Span[] {
  try {
    return parseSpans(readFileSync(file, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

export function parseSpans(text: string): Span[] {
  const spans: Span[] = []
  const open = new Map<string, Span>()
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, what, time, pid, label] = /^([BE]) (\d+) (\d+) (.*)$/.exec(line) ?? []
    if (!what || !time || !pid || label === undefined) throw new Error(`not a line of a span: ${JSON.stringify(line)}`)
    const key = `${pid} ${label}`
    if (what === 'B') {
      const span: Span = { pid: Number(pid), label, begin: BigInt(time), end: null }
      spans.push(span)
      open.set(key, span)
    } else {
      const span = open.get(key)
      if (!span) throw new Error(`a span ends that never began: ${JSON.stringify(line)}`)
      span.end = BigInt(time)
      open.delete(key)
    }
  }
  return spans.sort((a, b) => Number(a.begin - b.begin))
}

/** How many jobs ran at once at most. One that ends in the instant in which another begins is over by then. */
export function peak(spans: readonly Span[]): number {
  return peakOf(spans).most
}

/** The jobs that ran at a moment. */
export const runningAt = (spans: readonly Span[], at: bigint): Span[] =>
  spans.filter(({ begin, end }) => begin <= at && (end === null || end > at))

/** The peak, and when it was first reached. */
export function peakOf(spans: readonly Span[]): { most: number; at: bigint } {
  const changes: { at: bigint; by: 1 | -1 }[] = []
  for (const { begin, end } of spans) {
    changes.push({ at: begin, by: 1 })
    if (end !== null) changes.push({ at: end, by: -1 })
  }
  changes.sort((a, b) => (a.at === b.at ? a.by - b.by : a.at < b.at ? -1 : 1))
  let running = 0
  let most = 0
  let first = 0n
  for (const { at, by } of changes) {
    running += by
    if (running <= most) continue
    most = running
    first = at
  }
  return { most, at: first }
}
