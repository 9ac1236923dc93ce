import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
// @ts-expect-error It is JavaScript, as all of the bench is.
import { metered } from '../../../bench/projects/metered.mjs'

const dir = mkdtempSync(join(tmpdir(), 'jobslot-test-'))
const meter = join(dir, 'meter')
const source = join(import.meta.dirname, '../../../bench/projects/meter.c')
const options = { cwd: dir, env: process.env, log: join(dir, 'log') }
const never = new AbortController().signal

beforeAll(() => {
  execFileSync('cc', ['-O1', '-Wall', '-Wextra', '-Werror', '-o', meter, source], { stdio: 'inherit' })
})
afterAll(() => rmSync(dir, { recursive: true }))

it('tells the memory of all below together, and waits for what was left in the background', async () => {
  const hold = `node -e 'const held = Buffer.alloc(4e7, 1); setTimeout(() => held, 1000)'`
  const figures = await metered(meter, ['/bin/sh', '-c', `${hold} & (${hold} &); wait; echo built; exit 7`], {
    ...options,
    signal: never,
  })
  expect(figures).toMatchObject({ status: 7 << 8, left: 0 })
  expect(figures.peakBytes).toBeGreaterThan(8e7)
  expect(figures.wallNs).toBeGreaterThan(1e9)
  expect(figures.cpuNs).toBeGreaterThan(0)
  expect(readFileSync(options.log, 'utf8')).toBe('built\n')
})

it('ends all below when it is told to, even what has left its parents and its session', async () => {
  const stop = new AbortController()
  const file = join(dir, 'pids')
  const background = `echo $$ >>${file}; while :; do sleep 0.1; done`
  const command = `(setsid sh -c '${background}' &); sh -c '${background}'`
  const run = metered(meter, ['/bin/sh', '-c', command], { ...options, signal: stop.signal })
  const pids = () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [])
  await vi.waitFor(() => expect(pids()).toHaveLength(2), 20_000)

  stop.abort(new Error('told so'))
  await expect(run).rejects.toThrow('told so')
  for (const pid of pids()) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
})

it('says so where the command cannot be run', async () => {
  const run = metered(meter, [join(dir, 'none')], { ...options, signal: never })
  await expect(run).rejects.toThrow('the meter ended with status 70')
  expect(readFileSync(options.log, 'utf8')).toContain('No such file or directory')
})
