import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { realClients, type Style } from './clients.ts'
import { distinctTokens, type JobserverCommand, namedJobserver, pipeJobserver, sortedHex } from './jobserver.ts'
import { run, tempDir } from './processes.ts'
import { cargoProject, cmakeProject, gccLtoProject, makeProject, ninjaProject, type Project } from './projects.ts'
import { peak, readSpans } from './spans.ts'
import { requireTool } from './tools.ts'

const jobs = 10
const ms = 100
const limit = 4

async function expectToFill(project: Project, argv: string[]): Promise<void> {
  const { code, stdout, stderr } = await run(argv, { cwd: project.cwd, env: project.env })
  expect(code, stdout + stderr).toBe(0)
  const spans = readSpans(project.spans)
  expect(spans.filter((span) => span.end !== null)).toHaveLength(jobs)
  expect(peak(spans)).toBe(limit)
}

describe('a project fills the limit that its own build tool sets', () => {
  test.for(['make43', 'make44'] as const)('%s', async (name, ctx) => {
    const project = makeProject(tempDir(), { jobs, ms, make: requireTool(name, ctx) })
    await expectToFill(project, [...project.argv, `-j${limit}`])
  })

  test.for(['make43', 'make44'] as const)('%s, recursive', async (name, ctx) => {
    const project = makeProject(tempDir(), { jobs, ms, recursive: true, make: requireTool(name, ctx) })
    await expectToFill(project, [...project.argv, `-j${limit}`])
  })

  test.for(['make43', 'make44'] as const)('cmake with %s', async (name, ctx) => {
    const tools = { make: requireTool(name, ctx), cmake: requireTool('cmake', ctx) }
    const project = cmakeProject(tempDir(), { jobs, ms, ...tools })
    await expectToFill(project, [...project.argv, `-j${limit}`])
  })

  test('ninja', async (ctx) => {
    const project = ninjaProject(tempDir(), { jobs, ms, ninja: requireTool('ninja113', ctx) })
    await expectToFill(project, [...project.argv, `-j${limit}`])
  })

  test('cargo', async (ctx) => {
    const project = cargoProject(tempDir(), { jobs, ms, cargo: requireTool('cargo', ctx) })
    await expectToFill(project, [...project.argv, `-j${limit}`])
  })

  test.for([
    ['make43', []],
    ['make44', ['--jobserver-style=pipe']],
  ] as const)('gcc -flto=jobserver in %s', async ([name, style], ctx) => {
    const tools = { make: requireTool(name, ctx), gcc: requireTool('gcc', ctx) }
    const project = gccLtoProject(tempDir(), { jobs, ms, ...tools })
    await expectToFill(project, [...project.argv, ...style, `-j${limit}`])
  })
})

describe('a real client fills a jobserver and leaves it whole', () => {
  const tokens = distinctTokens(limit - 1)
  const server: Record<Style, () => JobserverCommand> = {
    pipe: () => pipeJobserver(tokens),
    // No space in the path: make alone reads one, ninja and cargo go on without the jobserver.
    fifo: () => namedJobserver(join(tempDir(), 'jobserver'), tokens),
  }
  const cases = realClients.flatMap((client) => client.styles.map((style) => ({ ...client, style })))

  test.for(cases)('$name, $style', async ({ style, project: write, keepsBytes }, ctx) => {
    const project = write(tempDir(), { jobs, ms }, ctx)
    const jobserver = server[style]()
    await expectToFill(project, jobserver.around(project.argv))
    const report = jobserver.report()
    if (keepsBytes) expect(report.tokens).toBe(sortedHex(tokens))
    else expect(report.tokens).toHaveLength(2 * tokens.length)
  })
})
