import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compiled } from '../support/compile.ts'
import { tempDir } from '../support/processes.ts'
import type { Span } from '../support/spans.ts'

/** Builds that record their jobs in one file, each under a label of its own. */

/** A folder with a Makefile of so many jobs, none of which waits for another. */
export function makeJobs(spans: string, label: string, durations: readonly number[]): string {
  const dir = tempDir()
  const names = durations.map((_, i) => `job${i}`)
  const rules = durations.map((ms, i) => `job${i}:\n\t@${compiled('job')} ${spans} ${ms} ${label}\n`)
  writeFileSync(join(dir, 'Makefile'), `.PHONY: all ${names.join(' ')}\nall: ${names.join(' ')}\n${rules.join('')}`)
  return dir
}

export function ninjaJobs(spans: string, label: string, durations: readonly number[]): string {
  const dir = tempDir()
  const builds = durations.map((ms, i) => `build job${i}: job\n  ms = ${ms}\n`)
  const rule = `rule job\n  command = ${compiled('job')} ${spans} $ms ${label}\n`
  writeFileSync(join(dir, 'build.ninja'), `${rule}${builds.join('')}`)
  return dir
}

export const times = (count: number, ms: number): number[] => Array.from({ length: count }, () => ms)

/** The time that each label's jobs ran between two moments, as slots: 4 is four at once all the time. */
export function sharesBetween(spans: readonly Span[], from: bigint, to: bigint): Record<string, number> {
  const shares: Record<string, number> = {}
  for (const { label, begin, end } of spans) {
    const until = end === null || end > to ? to : end
    const since = begin < from ? from : begin
    if (until > since) shares[label] = (shares[label] ?? 0) + Number(until - since) / Number(to - from)
  }
  return shares
}

/** What the clock of spans shows now. */
export const now = (): bigint => process.hrtime.bigint()
