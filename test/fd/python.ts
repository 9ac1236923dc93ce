import { spawnSync } from 'node:child_process'
import type { Skippable } from '../support/tools.ts'

const isThere = spawnSync('python3', ['--version']).status === 0

/** The command `python3`, which makes what Node cannot: socket pairs and pseudo terminals. */
export function python(ctx: Skippable): string {
  if (isThere) return 'python3'
  const message = 'python3 is missing: install it'
  if (process.env.CI) throw new Error(message)
  console.warn(`SKIPPED: ${message}`)
  return ctx.skip(message)
}
