import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cli } from '../support/cli.ts'
import { compiled } from '../support/compile.ts'
import { distinctTokens, namedJobserver, pipeJobserver, sortedHex } from '../support/jobserver.ts'
import { type Result, run, tempDir } from '../support/processes.ts'
import { makeProject, ninjaProject, type Project } from '../support/projects.ts'
import { peak, readSpans, type Span } from '../support/spans.ts'
import { requireTool, type Tool } from '../support/tools.ts'
import { gate } from './gate.ts'
import { newState } from './state.ts'

/** A limit within a limit: never above either, and the outer one is whole again at the end. */

const innerJobs = 12
const ms = 250
const jobslot = cli.join(' ')

const makes: [Tool, string[]][] = [
  ['make43', []],
  ['make44', ['--jobserver-style=pipe']],
  ['make44', ['--jobserver-style=fifo']],
]

interface Nested {
  /** The outer build, -j and all. */
  outer: string[]
  limit: number
  /** What stands before the inner build's command line in the outer one's recipe. */
  prefix: string
  inner(dir: string): Project
}

/**
 * An outer make whose one recipe starts an inner build. Its other jobs, one for each slot that is left, wait in them for
 * the inner build to be at work: so all slots are in use then, and when those jobs are over, the inner build may draw.
 */
async function nest({ outer, limit, prefix, inner }: Nested): Promise<Result & { all: Span[]; inner: Span[] }> {
  const dir = tempDir()
  const innerDir = join(dir, 'inner')
  mkdirSync(innerDir)
  const { argv, spans } = inner(innerDir)
  const names = Array.from({ length: limit - 1 }, (_, i) => `outer${i}`).join(' ')
  const job = `${gate(dir, spans, 'job0')} ${compiled('job')} ${spans} ${ms} outer`
  const rules = `inner:\n\t+@cd inner && ${prefix} ${argv.join(' ')}\n${names}:\n\t@${job}\n`
  writeFileSync(join(dir, 'Makefile'), `.PHONY: all inner ${names}\nall: inner ${names}\n${rules}`)
  const state = newState()
  const result = await run(outer, { cwd: dir, env: state.env })
  expect(state.left()).toEqual([])
  const all = readSpans(spans).filter((span) => span.end !== null)
  expect(all).toHaveLength(innerJobs + limit - 1)
  return { ...result, all, inner: all.filter((span) => span.label !== 'outer') }
}

/** make, too, would complain on stderr: of tokens that are missing. */
const quiet = { code: 0, signal: null, stdout: '', stderr: '' }

describe('run in a recipe of make', () => {
  test.for(makes)('draws no more than its own limit, %s %j', async ([name, options], ctx) => {
    const make = requireTool(name, ctx)
    const nested = await nest({
      outer: [make, '--no-print-directory', ...options, '-j8'],
      limit: 8,
      prefix: `${jobslot} run -j4 --`,
      inner: (dir) => makeProject(dir, { jobs: innerJobs, ms, make }),
    })
    expect(nested).toMatchObject(quiet)
    expect(peak(nested.inner)).toBe(4)
    expect(peak(nested.all)).toBe(8)
  })

  test.for(makes)('has all slots of the limit in force without -j, %s %j', async ([name, options], ctx) => {
    const make = requireTool(name, ctx)
    const nested = await nest({
      outer: [make, '--no-print-directory', ...options, '-j3'],
      limit: 3,
      prefix: `${jobslot} run --`,
      inner: (dir) => makeProject(dir, { jobs: innerJobs, ms, make }),
    })
    expect(nested).toMatchObject(quiet)
    expect(peak(nested.inner)).toBe(3)
    expect(peak(nested.all)).toBe(3)
  })

  test.for(makes)('says that -j is too much, and goes on with what there is, %s %j', async ([name, options], ctx) => {
    const make = requireTool(name, ctx)
    const nested = await nest({
      outer: [make, '--no-print-directory', ...options, '-j3'],
      limit: 3,
      prefix: `${jobslot} run -j8 --`,
      inner: (dir) => makeProject(dir, { jobs: innerJobs, ms, make }),
    })
    const stderr = expect.stringMatching(/^jobslot: -j 8 is more than .* \(3 slots\) has: going on with 3\n$/)
    expect(nested).toMatchObject({ ...quiet, stderr })
    expect(peak(nested.all)).toBe(3)
  })

  test('brings the limit of a pipe to ninja, which knows no pipes', async (ctx) => {
    const tools = { make: requireTool('make43', ctx), ninja: requireTool('ninja113', ctx) }
    const nested = await nest({
      outer: [tools.make, '--no-print-directory', '-j4'],
      limit: 4,
      prefix: `${jobslot} run --`,
      inner: (dir) => {
        const project = ninjaProject(dir, { jobs: innerJobs, ms, ...tools })
        return { ...project, argv: [...project.argv, '--quiet'] }
      },
    })
    expect(nested).toMatchObject(quiet)
    expect(peak(nested.inner)).toBe(4)
    expect(peak(nested.all)).toBe(4)
  })

  test.for(makes.filter(([, [style]]) => style !== '--jobserver-style=fifo'))(
    'has one slot without +, and says so once, %s %j',
    async ([name, options], ctx) => {
      const make = requireTool(name, ctx)
      const project = makeProject(tempDir(), { jobs: 3, ms: 50, make })
      const recipe = [...cli, 'run', '-j4', '--', ...project.argv].join(' ')
      writeFileSync(join(project.cwd, 'outer.mk'), `all:\n\t@${recipe}\n`)
      const env = newState().env
      const result = await run([make, ...options, '-j4', '-f', 'outer.mk'], { cwd: project.cwd, env })
      const stderr = expect.stringMatching(/^jobslot: .*: mark the recipe line with '\+'.*goes on with one slot\n$/)
      expect(result).toMatchObject({ ...quiet, stderr })
      expect(peak(readSpans(project.spans))).toBe(1)
    },
  )
})

describe('run in a recipe of a make without a jobserver', () => {
  const cases = (['make43', 'make44'] as const).flatMap((name) =>
    [
      { told: [], slots: 4, messages: [] },
      { told: ['-j'], slots: 4, messages: [] },
      { told: ['-j1'], slots: 1, messages: ['jobslot: -j 4 is more than a limit of one (-j1) has: going on with 1'] },
    ].map((given) => ({ name, ...given })),
  )

  test.for(cases)('$name $told: $slots at once', async ({ name, told, slots, messages }, ctx) => {
    const make = requireTool(name, ctx)
    const project = makeProject(tempDir(), { jobs: 8, ms: 150, make })
    const recipe = [...cli, 'run', '-j4', '--', ...project.argv].join(' ')
    writeFileSync(join(project.cwd, 'outer.mk'), `all:\n\t+@${recipe}\n`)
    const result = await run([make, ...told, '-f', 'outer.mk'], { cwd: project.cwd, env: newState().env })
    expect(result).toEqual({ ...quiet, stderr: messages.map((message) => `${message}\n`).join('') })
    expect(peak(readSpans(project.spans))).toBe(slots)
  })
})

describe('run gives back what it drew, each byte as it was', () => {
  const tokens = distinctTokens(7)

  test.for([
    ['pipe', () => pipeJobserver(tokens)],
    ['fifo', () => namedJobserver(join(tempDir(), 'jobserver'), tokens)],
  ] as const)('%s', async ([, server], ctx) => {
    const project = makeProject(tempDir(), { jobs: innerJobs, ms, make: requireTool('make43', ctx) })
    const jobserver = server()
    const state = newState()
    const argv = jobserver.around([...cli, 'run', '-j4', '--', ...project.argv])
    expect(await run(argv, { cwd: project.cwd, env: state.env })).toEqual(quiet)
    expect(peak(readSpans(project.spans))).toBe(4)
    const report = jobserver.report()
    expect(report.tokens).toBe(sortedHex(tokens))
    expect(report.flagsAfter).toEqual(report.flagsBefore)
    expect(state.left()).toEqual([])
  })
})

describe('in a run', () => {
  test.for([
    ['make43', 'pipe'],
    ['make44', 'fifo'],
    ['make44', 'pipe'],
  ] as const)('another run, %s, %s', async ([name, style], ctx) => {
    const make = requireTool(name, ctx)
    const nested = await nest({
      outer: [...cli, 'run', '-j4', '--style', style, '--', make, '--no-print-directory'],
      limit: 4,
      prefix: `${jobslot} run -j2 --style ${style} --`,
      inner: (dir) => makeProject(dir, { jobs: innerJobs, ms, make }),
    })
    expect(nested).toMatchObject(quiet)
    expect(peak(nested.inner)).toBe(2)
    expect(peak(nested.all)).toBe(4)
  })

  test.for(['pipe', 'fifo'] as const)('acquire, %s', async (style) => {
    const dir = tempDir()
    const spans = join(dir, 'spans')
    const state = newState()
    const job = `${jobslot} acquire -- ${compiled('job')} ${spans} ${ms} job`
    const script = `for i in 1 2 3 4 5 6; do ${job} & done; wait`
    const argv = [...cli, 'run', '-j2', '--style', style, '--', 'sh', '-c', script]
    expect(await run(argv, { env: state.env })).toEqual(quiet)
    const recorded = readSpans(spans)
    expect(recorded).toHaveLength(6)
    expect(peak(recorded)).toBe(2)
    expect(state.left()).toEqual([])
  })
})
