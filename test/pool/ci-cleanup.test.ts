import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { named, processesWhere } from '../broker/named.ts'
import { cli } from '../support/cli.ts'
import { run, start, tempDir, waitFor } from '../support/processes.ts'
import { peak, readSpans } from '../support/spans.ts'
import { requireTool } from '../support/tools.ts'
import { makeJobs, now, times } from './builds.ts'

const COOKIE = 'CI_JOB_COOKIE=0xc0ffee'

/** What a CI runner kills at a job's end: its process group, and whatever carries the job's variable. */
function killAsRunner(group: number): void {
  process.kill(-group, 'SIGKILL')
  for (const pid of carriers()) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended meanwhile.
    }
  }
}

const carriers = () =>
  processesWhere((pid) => readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(COOKIE))

test("the broker that a killed CI job has started goes on, and so do others' builds", async (ctx) => {
  const make = requireTool('make44', ctx)
  const n = named()
  const env = { ...n.env, NODE_EXTRA_CA_CERTS: undefined }
  expect(await run([...cli, 'resize', '--pool', 'ci', '4'], { env })).toMatchObject({ code: 0 })
  await waitFor(() => n.brokers().length === 0)
  const spans = join(tempDir(), 'spans')
  const build = (label: string, jobs: number) => {
    const words = [...cli, 'run', '--pool', 'ci', '--', make, '-s', '-C', makeJobs(spans, label, times(jobs, 100))]
    return words.join(' ')
  }
  const [name, value] = COOKIE.split('=') as [string, string]
  const job = start(['sh', '-c', `${build('killed', 2000)}; true`], { env: { ...env, [name]: value } })
  await waitFor(() => readSpans(spans).length > 0, 10_000)
  const [broker] = n.brokers()
  const other = start(['sh', '-c', build('other', 100)], { env })
  await waitFor(() => readSpans(spans).some(({ label }) => label === 'other'), 10_000)
  job.result.catch(() => {})
  killAsRunner(job.pid)
  const killedAt = now()
  await waitFor(() => carriers().length === 0)
  expect(await other.result).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })

  expect(n.brokers()).toEqual([broker])
  const recorded = readSpans(spans).map((span) => ({ ...span, end: span.end ?? killedAt }))
  expect(recorded.filter(({ label }) => label === 'other')).toHaveLength(100)
  expect(peak(recorded)).toBeLessThanOrEqual(4)
  // It has had all slots since.
  expect(peak(recorded.filter(({ label }) => label === 'other'))).toBe(4)
  const host = await n.connect('ci')
  expect(await host.status()).toMatchObject({ slots: 4, free: 4, members: [], waiters: [], overReturned: 0 })
})
