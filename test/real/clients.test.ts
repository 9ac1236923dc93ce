import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cli } from '../support/cli.ts'
import { realClients } from '../support/clients.ts'
import { run, tempDir } from '../support/processes.ts'
import { peak, readSpans } from '../support/spans.ts'
import { requireTool } from '../support/tools.ts'
import { newState } from './state.ts'

/**
 * Build tools as clients of `jobslot run`. Nothing on stderr begins with `jobslot:`, so the audit at the end has found
 * each token in its place.
 */

const jobs = 8
// Long against the time that cmake and cargo need between two jobs: or four would seldom be seen at once.
const ms = 400
const limit = 4
const complaint = /^jobslot:/m

describe('run gives a build tool all of its slots and no more', () => {
  const cases = realClients.flatMap((client) => [...client.styles, 'auto'].map((style) => ({ ...client, style })))

  test.for(cases)('$name, --style $style', async ({ style, project: write }, ctx) => {
    const project = write(tempDir(), { jobs, ms }, ctx)
    const state = newState()
    // run always offers cargo the pipe form: without it, cargo must go by MAKEFLAGS.
    const command = style === 'fifo' ? ['env', '-u', 'CARGO_MAKEFLAGS', ...project.argv] : project.argv
    const { code, stdout, stderr } = await run([...cli, 'run', `-j${limit}`, '--style', style, '--', ...command], {
      cwd: project.cwd,
      env: { ...project.env, ...state.env },
    })
    expect(code, stdout + stderr).toBe(0)
    expect(stderr).not.toMatch(complaint)
    const spans = readSpans(project.spans)
    expect(spans.filter((span) => span.end !== null)).toHaveLength(jobs)
    expect(peak(spans)).toBe(limit)
    expect(state.left()).toEqual([])
  })
})

describe('run ends as a build that fails, its tokens back', () => {
  const cases = realClients.map((client) => ({ ...client, style: client.styles[0]! }))

  test.for(cases)('$name', async ({ style, project: write }, ctx) => {
    const project = write(tempDir(), { jobs, ms }, ctx)
    // No job can record its span in a folder, so every job fails.
    mkdirSync(project.spans)
    const bare = await run(project.argv, { cwd: project.cwd, env: project.env })
    expect(bare.code).toBeGreaterThan(0)

    const state = newState()
    const { code, stderr } = await run([...cli, 'run', `-j${limit}`, '--style', style, '--', ...project.argv], {
      cwd: project.cwd,
      env: { ...project.env, ...state.env },
    })
    expect(code, stderr).toBe(bare.code)
    expect(stderr).not.toMatch(complaint)
    expect(state.left()).toEqual([])
  })
})

describe('--style auto goes by the make that is found', () => {
  const show = 'echo "told: $MAKEFLAGS"'
  const pipe = /^told: .*--jobserver-auth=\d+,\d+/m
  const fifo = /^told: .*--jobserver-auth=fifo:\//m

  /** A folder for PATH with this tool as `make`. */
  function withMake(tool: string): string {
    const dir = tempDir()
    writeFileSync(join(dir, 'make'), `#!/bin/sh\nexec '${tool}' "$@"\n`)
    chmodSync(join(dir, 'make'), 0o755)
    return dir
  }

  async function told(command: string[], path: string): Promise<string> {
    const cwd = tempDir()
    writeFileSync(join(cwd, 'Makefile'), `all:\n\t+@${show.replace('$', () => '$$')}\n`)
    const result = await run([...cli, 'run', `-j${limit}`, '--', ...command], {
      cwd,
      env: { ...newState().env, PATH: path },
    })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    return result.stdout
  }

  test.for([
    ['make43', pipe],
    ['make44', fifo],
  ] as const)('%s on PATH', async ([name, form], ctx) => {
    const path = `${withMake(requireTool(name, ctx))}:${process.env.PATH}`
    expect(await told(['make'], path)).toMatch(form)
    expect(await told(['sh', '-c', show], path)).toMatch(form)
  })

  test.for([
    ['make43', pipe, 'make44'],
    ['make44', fifo, 'make43'],
  ] as const)('%s by its path, another on PATH', async ([name, form, other], ctx) => {
    const path = `${withMake(requireTool(other, ctx))}:${process.env.PATH}`
    expect(await told([join(withMake(requireTool(name, ctx)), 'make')], path)).toMatch(form)
  })

  test('no make at all', async () => {
    expect(await told(['/bin/sh', '-c', show], '/nonexistent')).toMatch(fifo)
  })

  test('ninja gets its form, whatever the make', async (ctx) => {
    const path = `${withMake(requireTool('make43', ctx))}:${process.env.PATH}`
    const dir = tempDir()
    writeFileSync(join(dir, 'ninja'), `#!/bin/sh\n${show}\n`)
    chmodSync(join(dir, 'ninja'), 0o755)
    expect(await told([join(dir, 'ninja')], path)).toMatch(fifo)
  })
})
