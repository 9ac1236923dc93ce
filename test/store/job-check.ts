/**
 * Says whether two ever ran the same job at once, by what workers and their killer wrote down, each line with one write at
 * the end of one file: `begin PID JOB`, `end PID JOB` before the job is fulfilled, `kill PID` before the signal. Pure.
 */
export function twoAtOnce(lines: readonly string[]): string[] {
  const problems: string[] = []
  /** By job: who runs it. */
  const runs = new Map<string, string>()
  const killed = new Set<string>()
  for (const line of lines) {
    const [what, pid = '', job = ''] = line.split(' ')
    if (what === 'kill') killed.add(pid)
    else if (what === 'end') {
      if (runs.get(job) === pid) runs.delete(job)
    } else {
      const other = runs.get(job)
      if (other !== undefined && !killed.has(other)) problems.push(`${pid} and ${other} both run job ${job}`)
      runs.set(job, pid)
    }
  }
  return problems
}
