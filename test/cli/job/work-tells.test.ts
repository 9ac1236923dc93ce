import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { tempDir, waitFor } from '../../support/processes.ts'
import { jobs } from './jobs.ts'
import { working } from './working.ts'

/** What `job work` tells whoever has not asked it to, off a terminal. */
describe('job work tells', { timeout: 30_000 }, () => {
  test('with --drain: of failures, as its exit status does', async () => {
    const { script, work } = await working()
    await script('true')
    const bad = await script('false')
    const { code, stdout, stderr } = await work(['--slots', '1', '--drain'])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(
      new RegExp(`^jobslot: 2 jobs in \\d+s: 1 fulfilled, 1 failed \\(${bad}: see jobslot job log\\)\n$`),
    )
  })

  test('of a store that it has made', async () => {
    const { job, dir } = jobs(join(tempDir(), 'typo'))
    expect(await job(['work', '--drain', '-j1'])).toMatchObject({
      code: 0,
      stderr: `jobslot: made a job store in ${dir}\n`,
    })
    expect(await job(['work', '--drain', '-j1'])).toMatchObject({ code: 0, stderr: '' })
  })

  test('of a store that is paused', async () => {
    const { store, start } = await working()
    await store.pause()
    const { child, result, stderr } = start(['--slots', '1'])
    await waitFor(() => stderr() !== '', 10_000)
    child.kill('SIGTERM')
    expect((await result).stderr).toBe('jobslot: the store is paused: no job is started until jobslot job resume\n')
  })
})
