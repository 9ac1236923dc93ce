import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { packageDir } from '../support/cli.ts'
import { run, start, tempDir } from '../support/processes.ts'

const service = join(packageDir, 'examples/job-service')

describe('the job service', { timeout: 100_000 }, () => {
  test('finishes every job, and tells of it, though all is killed in the midst', async () => {
    const TMPDIR = tempDir()
    const { code, stdout, stderr } = await run([process.execPath, join(service, 'demo.mjs')], {
      env: { TMPDIR },
      timeout: 90_000,
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^killed all; \d+ of 12 had not been told\n/)
    expect(stdout).toMatch(/^12 fulfilled, 0 left, 12 told the right number$/m)
  })

  test('says what is wrong with a request, and ends when it is told to', async () => {
    const { child, pid, result } = start([process.execPath, join(service, 'service.mjs'), join(tempDir(), 'jobs')])
    onTestFinished(() => void child.kill('SIGKILL'))
    const port = await new Promise<string>((resolve) =>
      child.stdout!.on('data', (text) => resolve(/\d+/.exec(String(text))![0])),
    )
    const url = `http://127.0.0.1:${port}`
    const status = async (path: string, init?: RequestInit) => (await fetch(`${url}${path}`, init)).status
    expect(await status('/77')).toBe(404)
    expect(await status('/x')).toBe(400)
    expect(await status('/', { method: 'POST', body: 'x' })).toBe(400)
    expect(await status('/', { method: 'POST', body: '{"text":7}' })).toBe(400)
    expect(await status('/', { method: 'POST', body: '{"text":"a b"}' })).toBe(202)
    process.kill(pid, 'SIGTERM')
    expect(await result).toMatchObject({ code: 0, signal: null, stderr: '' })
  })
})
