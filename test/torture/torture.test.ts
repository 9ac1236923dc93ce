import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { processesWhere } from '../broker/named.ts'
import { run, start, tempDir, waitFor } from '../support/processes.ts'
import { requireTool } from '../support/tools.ts'
import { readOptions } from './options.ts'
import { MARKS, type Results, section } from './results.ts'
import { storms as kinds, stormNames } from './storms.ts'

const command = [process.execPath, join(import.meta.dirname, 'main.mjs')]

/** A folder for all that a run makes, and the processes that were started for it. */
function place() {
  const dir = tempDir()
  const scratch = join(dir, 'scratch')
  mkdirSync(scratch)
  const running = () =>
    processesWhere((pid) => readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`TORTURE_FOLDER=${scratch}`))
  // The tests' own storms may be named; tools that were asked for stay where they are.
  const env = { TMPDIR: scratch, JOBSLOT_TEST_TOOLS: process.env.JOBSLOT_TEST_TOOLS }
  return { env, file: (name: string) => join(dir, name), left: () => readdirSync(scratch), running }
}

describe('npm run torture', { retry: 0 }, () => {
  test('runs all storms, and each notices a fault that is planted', { timeout: 240_000 }, async (ctx) => {
    for (const tool of ['make43', 'make44', 'ninja113'] as const) requireTool(tool, ctx)
    const { env, file, left, running } = place()
    const json = file('results.json')
    const argv = [...command, '--canary', '--minutes', '0.3', '--seed', '7', '--json', json]
    const { code, stdout, stderr } = await run(argv, { env, timeout: 220_000 })
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' })
    const { storms, losses } = JSON.parse(readFileSync(json, 'utf8')) as Results
    expect(Object.keys(storms)).toEqual(stormNames)
    for (const [name, { operations }] of Object.entries(storms)) expect(operations, name).toBeGreaterThan(0)
    expect(losses.map(({ storm }) => storm)).toEqual(stormNames)
    expect(stdout).toContain('again: npm run torture -- --only locks --minutes 0.05 --seed 7 --canary')
    expect([left(), running()]).toEqual([[], []])
  })

  test('ends at SIGINT with what it has come to, and leaves nothing', { timeout: 60_000 }, async () => {
    const { env, file, left, running } = place()
    const json = file('results.json')
    const argv = [...command, '--only', 'disk,workers', '--minutes', '0.2', '--json', json]
    const { child, result } = start(argv, { env, timeout: 60_000 })
    // The second storm runs.
    await waitFor(() => running().length > 2, 40_000, 'workers run')
    child.kill('SIGINT')
    const { code, stdout } = await result
    expect({ code, stdout }).toMatchObject({ code: 130, stdout: expect.stringMatching(/^\| disk .* 0 +\|$/m) })
    expect(Object.keys(JSON.parse(readFileSync(json, 'utf8')).storms)).toEqual(['disk'])
    expect([left(), running()]).toEqual([[], []])
  })

  test('fails where something is not as promised, and says how to repeat that', async () => {
    const { env, left } = place()
    const without = { ...env, JOBSLOT_TEST_TOOLS: '/nonexistent', PATH: '/nonexistent' }
    const { code, stdout } = await run([...command, '--only', 'pool', '--minutes', '0.01', '--seed', '5'], {
      env: without,
    })
    expect(code, stdout).toBe(1)
    expect(stdout).toContain('make43 is missing')
    expect(stdout).toContain('again: npm run torture -- --only pool --minutes 0.05 --seed 5\n')
    expect(left()).toEqual([])
  })

  test('writes into a page what an earlier run has counted', async () => {
    const { file } = place()
    const storms = { disk: { seconds: 90, kills: 1234, operations: 5, losses: 0, notes: {} } }
    const counted = { date: '2026-01-02', machine: 'one', command: 'npm run torture', storms, losses: [] }
    writeFileSync(file('json'), JSON.stringify(counted))
    writeFileSync(file('page'), `before\n${MARKS[0]}\nold\n${MARKS[1]}\nbehind\n`)
    const { code } = await run([...command, '--from', file('json'), '--write', file('page')])
    expect(code).toBe(0)
    expect(readFileSync(file('page'), 'utf8')).toBe(
      `before\n${MARKS[0]}\n\n${section(counted, kinds)}\n\n${MARKS[1]}\nbehind\n`,
    )
  })

  test.each([
    [['--only', 'poll'], 'there is no storm "poll": name one of pool, '],
    [['--minutes', '0'], '--minutes 0: give a number above 0'],
    [['--seed', '1.5'], '--seed 1.5: give a whole number'],
    [['--fast'], "Unknown option '--fast'"],
  ])('%j: says what is wrong', async (words, message) => {
    expect(readOptions(words)).toContain(message)
  })
})
