import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { info } from '../../src/fd.ts'
import { packageDir } from '../support/cli.ts'
import { startProgram } from './program.ts'

const addon = join(process.env.JOBSLOT_PREBUILD ?? packageDir, 'build/Release/jobslot.node')

/** The files of that name that a process has mapped. */
function addonsOf(pid: number | 'self'): string[] {
  const files = [...readFileSync(`/proc/${pid}/maps`, 'utf8').matchAll(/\S+\/jobslot\.node$/gm)].map(([file]) => file)
  return [...new Set(files)]
}

test('the addon under test is the one that was built for it, here and in what the tests start', async () => {
  info(1)
  expect(addonsOf('self')).toEqual([addon])
  const program = startProgram('fd.info(1); say(true); await sleep(5000)')
  await program.says()
  expect(addonsOf(program.pid)).toEqual([addon])
})
