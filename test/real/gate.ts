import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A prefix for a command, which then waits until a job with this label has begun. */
export function gate(dir: string, spans: string, label: string): string {
  const file = join(dir, `gate-${label}.sh`)
  writeFileSync(file, `until grep -q ' ${label}$' ${spans} 2>/dev/null; do sleep 0.02; done\nexec "$@"\n`)
  return `sh ${file}`
}
