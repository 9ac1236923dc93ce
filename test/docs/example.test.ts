import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cli, packageDir } from '../support/cli.ts'
import { run, tempDir } from '../support/processes.ts'
import { requireTool } from '../support/tools.ts'

/** The example, outside of the checkout. */
function exampleFolder(): string {
  const folder = tempDir()
  const source = join(packageDir, 'examples/mixed-build')
  cpSync(source, folder, { recursive: true, filter: (path) => basename(path) !== 'build' })
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(packageDir, join(folder, 'node_modules/jobslot'))
  return folder
}

describe('the example reaches its limit and keeps it', { timeout: 120_000 }, () => {
  test.for([
    ['make43', 4],
    ['make43', 2],
    ['make44', 4],
  ] as const)('%s -j%i', async ([tool, jobs], ctx) => {
    const make = requireTool(tool, ctx)
    const cwd = exampleFolder()
    const { code, stdout, stderr } = await run([...cli, 'run', `-j${jobs}`, '--', make], { cwd, timeout: 100_000 })
    expect(code, stdout + stderr).toBe(0)
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(`peak ${jobs} jobs at once, limit ${jobs}`)
    expect(stderr).toBe('')
    const sheet = readFileSync(join(cwd, 'build/sheet.txt'), 'utf8')
    expect(sheet.match(/^ +[A-Z]+ +$/gm)).toHaveLength(8)
  })
})

test('the example fails where its limit is broken', async () => {
  const cwd = exampleFolder()
  writeFileSync(join(cwd, 'spans'), 'begin a\nbegin b\nend a\nbegin c\nbegin d\nend b\nend c\nend d\n')
  const count = (jobs: number) =>
    run([process.execPath, 'peak.mjs', 'spans'], { cwd, env: { MAKEFLAGS: ` -j${jobs} --jobserver-auth=3,4` } })
  expect(await count(3)).toMatchObject({ code: 0, stdout: 'peak 3 jobs at once, limit 3\n' })
  expect(await count(2)).toMatchObject({ code: 1, stdout: 'peak 3 jobs at once, limit 2\n' })
})
