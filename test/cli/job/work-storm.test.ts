import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Running } from '../../support/processes.ts'
import { requireProgram } from '../recipes.ts'
import { working } from './working.ts'

/** A job that holds a lock of its own while anything of it lives: who finds it held runs beside another run. */
const SCRIPT = `exec 9> "lock.$JOBSLOT_JOB"
flock -n 9 || echo "$JOBSLOT_JOB" >> beside
trap '' TERM
for i in 1 2 3 4; do sleep 0.05; done
echo "$JOBSLOT_JOB" >> done`

const read = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8') : '')

test('workers killed again and again: each job is fulfilled, and no run is beside another of the same job', {
  timeout: 90_000,
}, async (ctx) => {
  requireProgram('flock', ctx)
  const w = await working()
  const words = ['--slots', '2', '--grace', '100ms']
  const ids: number[] = []
  for (let i = 0; i < 120; i++) ids.push(await w.script(SCRIPT))
  const begin = (): Running => {
    const running = w.start(words, { timeout: 80_000 })
    running.result.catch(() => {})
    return running
  }
  const workers = [begin(), begin(), begin()]
  for (let i = 0; i < 10; i++) {
    await sleep(700)
    const killed = workers.shift()!
    killed.child.kill('SIGKILL')
    workers.push(begin())
  }
  expect((await w.work([...words, '--drain'], { timeout: 60_000 })).stderr).toBe('')
  for (const { child } of workers) child.kill('SIGTERM')
  for (const { result } of workers) expect(await result).toMatchObject({ signal: 'SIGTERM', stderr: '' })
  expect(read(join(w.cwd, 'beside'))).toBe('')
  const { fulfilled, failed } = await w.store.stats()
  expect({ fulfilled, failed }).toEqual({ fulfilled: ids.length, failed: 0 })
  expect(new Set(read(join(w.cwd, 'done')).trimEnd().split('\n')).size).toBe(ids.length)
  const jobs = await Promise.all(ids.map((id) => w.store.get(id)))
  // Else it has shown nothing.
  expect(jobs.filter((job) => job!.lost > 0).length).toBeGreaterThan(3)
  expect(w.processes()).toEqual([])
})
