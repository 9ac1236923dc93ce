import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { newState } from '../real/state.ts'
import { cli, packageDir } from '../support/cli.ts'
import { type Env, type Result, run } from '../support/processes.ts'
import { type Clone, freshClone, projectFolder, removeClone } from './fixture.ts'
import { type Block, blocksOf, isRun, missingLine } from './markdown.ts'
import { pages } from './pages.ts'

const blocks = pages.flatMap((page) =>
  blocksOf(readFileSync(join(packageDir, page), 'utf8')).map((block) => ({ ...block, page })),
)
type PageBlock = (typeof blocks)[number]

const where = ({ page, line, heading }: PageBlock) => `${page}:${line} (${heading})`
const named = (wanted: (block: PageBlock) => boolean) =>
  blocks.filter(wanted).map((block): [string, PageBlock] => [where(block), block])

/** What the blocks of the same section write to files is there for those behind it. */
function writeFiles(folder: string, { page, heading, line }: PageBlock): void {
  for (const block of blocks) {
    const file = block.marks.get('file')
    if (file && block.page === page && block.heading === heading && block.line < line) {
      writeFileSync(join(folder, file), block.text)
    }
  }
}

function expectSuccess({ code, signal, stdout, stderr }: Result, { output }: Block): void {
  const all = `${stdout}${stderr}`
  expect({ code, signal }, all).toEqual({ code: 0, signal: null })
  // No warning, and no token missing or too many at the end.
  expect(stderr).not.toMatch(/^jobslot:/m)
  if (output !== null) expect(missingLine(output, stdout), all).toBeNull()
}

const runShell = (block: Block, cwd: string, options: { env?: Env; timeout: number }) =>
  run(['sh', '-ec', block.text], { cwd, ...options, env: { ...newState().env, ...options.env } })

describe('sh blocks run when pasted', { timeout: 70_000 }, () => {
  test.for(named((block) => isRun(block) && block.language === 'sh' && !block.marks.has('in')))(
    '%s',
    async ([, block]) => {
      const folder = projectFolder()
      writeFiles(folder, block)
      expectSuccess(await runShell(block, folder, { timeout: 60_000 }), block)
    },
  )
})

describe('sh blocks for the checkout run in a fresh clone', { timeout: 320_000 }, () => {
  let clone: Clone | undefined
  afterAll(() => {
    if (clone) removeClone(clone)
  })

  test.for(named((block) => isRun(block) && block.marks.get('in') === 'checkout'))('%s', async ([, block]) => {
    clone ??= freshClone()
    const { folder, env } = clone
    expectSuccess(await runShell(block, folder, { env, timeout: 300_000 }), block)
  })
})

describe('js blocks run when pasted', { timeout: 70_000 }, () => {
  const scripts = named((block) => isRun(block) && block.language === 'js')

  async function runScript(block: PageBlock, before: readonly string[]): Promise<void> {
    const folder = projectFolder()
    writeFiles(folder, block)
    writeFileSync(join(folder, 'block.mjs'), block.text)
    expectSuccess(
      await run([...before, process.execPath, 'block.mjs'], { cwd: folder, env: newState().env, timeout: 60_000 }),
      block,
    )
  }

  test.for(scripts)('%s, without a limit', async ([, block]) => {
    await runScript(block, [])
  })

  test.for(scripts)('%s, under a limit, which gets every token back', async ([, block]) => {
    await runScript(block, [...cli, 'run', '-j3', '--'])
  })
})

describe('marks', () => {
  // Of `ts` are the signatures in the API reference: what wrote them has read them.
  test('every block is of a kind that these tests know, and every text is the output of one', () => {
    const known = (block: PageBlock) =>
      isRun(block) ||
      block.language === 'ts' ||
      ['', 'mermaid'].includes(block.language) ||
      block.marks.has('file') ||
      block.marks.has('no-run')
    expect(blocks.filter((block) => !known(block)).map(where)).toEqual([])
    const marks = blocks.flatMap((block) => [...block.marks.keys()])
    expect(new Set(marks)).toEqual(new Set(['no-run', 'in', 'file']))
  })

  test('what does not run says why, and is little', () => {
    const reasons = blocks.filter((block) => block.marks.has('no-run')).map((block) => block.marks.get('no-run'))
    const few = ['an example of the shape', 'it is installed already', 'it runs these tests']
    expect([...new Set(reasons)].sort()).toEqual([...few, 'it takes 6 minutes', 'it takes as long as it is told'])
  })

  test('there is much to run', () => {
    expect(blocks.filter(isRun).length).toBeGreaterThan(10)
    expect(blocks.filter((block) => block.output !== null).length).toBeGreaterThan(4)
  })
})
