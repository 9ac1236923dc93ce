import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compiled } from '../support/compile.ts'
import { type Result, run, tempDir } from '../support/processes.ts'
import { makeProject } from '../support/projects.ts'
import { peak, readSpans, type Span } from '../support/spans.ts'
import { requireTool, type Tool } from '../support/tools.ts'

/** make -> Node -> make: Node closes the jobserver's descriptors for its children, unless childOptions hands them on. */

const middle = join(import.meta.dirname, 'fixtures/middle.mjs')
const count = join(import.meta.dirname, 'fixtures/count.mjs')
const limit = 4
const innerJobs = 8
const ms = 250

interface Middle {
  hand: boolean
  stdio?: unknown
}

async function makeNodeMake(
  make: string,
  options: readonly string[],
  how: Middle,
): Promise<Result & { spans: Span[] }> {
  const dir = tempDir()
  const inner = makeProject(dir, { jobs: innerJobs, ms, make })
  const job = `${compiled('job')} ${inner.spans} ${ms} outer`
  const words = [process.execPath, middle, `'${JSON.stringify(how)}'`, ...inner.argv]
  const makefile = `.PHONY: all node outer1 outer2\nall: node outer1 outer2\nnode:\n\t+@${words.join(' ')}\nouter1 outer2:\n\t@${job}\n`
  writeFileSync(join(dir, 'outer.mk'), makefile)
  const argv = [make, '--no-print-directory', ...options, `-j${limit}`, '-f', 'outer.mk']
  const result = await run(argv, { cwd: dir })
  return { ...result, spans: readSpans(inner.spans) }
}

const styles: [Tool, string[]][] = [
  ['make43', []],
  ['make44', ['--jobserver-style=pipe']],
  ['make44', ['--jobserver-style=fifo']],
]
const stdios: unknown[] = [
  undefined,
  'inherit',
  'pipe',
  ['ignore', 'inherit', 'inherit'],
  ['inherit', 'inherit', 'inherit', 'ipc'],
  // These take the jobserver's own numbers away.
  [null, 1, 2, 'pipe', 'pipe', 'pipe'],
  ['pipe', 'pipe', 'pipe', 'ignore', 'ipc'],
]

describe('childOptions keeps the jobserver', () => {
  const cases = styles.flatMap(([tool, options]) => stdios.map((stdio) => ({ tool, options, stdio })))

  test.for(cases)('$tool $options, stdio $stdio', async ({ tool, options, stdio }, ctx) => {
    const make = requireTool(tool, ctx)
    const { spans, ...result } = await makeNodeMake(make, options, { hand: true, stdio })
    expect(result).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
    expect(spans.filter((span) => span.end !== null)).toHaveLength(innerJobs + 2)
    expect(peak(spans)).toBe(limit)
    expect(peak(spans.filter((span) => span.label !== 'outer'))).toBeGreaterThan(2)
  })
})

describe('without it the jobserver is lost', () => {
  // A FIFO is found by its path, whatever lies between.
  test.for(styles.filter(([, options]) => !options.join().includes('fifo')))('%s %j', async ([tool, options], ctx) => {
    const make = requireTool(tool, ctx)
    const { spans, code, stderr } = await makeNodeMake(make, options, { hand: false, stdio: 'inherit' })
    expect(code).toBe(0)
    expect(stderr).toMatch(/jobserver unavailable/)
    expect(peak(spans.filter((span) => span.label !== 'outer'))).toBe(1)
  })
})

test('a Node child gets the jobserver and a channel of its own', async (ctx) => {
  const dir = tempDir()
  const how = JSON.stringify({ hand: true, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  const words = [process.execPath, middle, `'${how}'`, process.execPath, count]
  writeFileSync(join(dir, 'Makefile'), `all:\n\t+@${words.join(' ')}\n`)
  const result = await run([requireTool('make43', ctx), `-j${limit}`], { cwd: dir })
  expect(result).toEqual({ code: 0, signal: null, stdout: `told by the child: ${limit} slots\n`, stderr: '' })
})
