import { join } from 'node:path'
import { packageDir } from '../support/cli.ts'
import { type Result, run } from '../support/processes.ts'

/** Runs an old program, in a folder of its package: a CommonJS script that may `require` what it requires. */
export function runOld(code: string, { dir, flags = [] }: { dir: string; flags?: string[] }): Promise<Result> {
  const script = `var $dir = ${JSON.stringify(dir)}, tmpdir = $dir\n${code}`
  return run([process.execPath, ...flags, '-e', script], { cwd: join(packageDir, 'test'), timeout: 30_000 })
}

export const NAME = 'jobslot/compat/fs-job-store'
