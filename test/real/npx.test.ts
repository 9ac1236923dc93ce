import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cli } from '../support/cli.ts'
import { compiled } from '../support/compile.ts'
import { type Result, run, tempDir } from '../support/processes.ts'
import { peak, readSpans, type Span } from '../support/spans.ts'
import { requireTool } from '../support/tools.ts'
import { npx, quietNpm, withPackage } from './npx.ts'
import { newState } from './state.ts'

/** `jobslot acquire` in the recipes of makes whose jobserver is a pipe: through npx, with `+` and without. */

const limit = 2
/** npx starts npm for each command: many times what a command costs otherwise. */
const timeout = 55_000

interface Recipe {
  make: string[]
  jobslot: readonly string[]
  mark: string
  /** How many commands the recipe starts in the background. */
  commands: number
  /** Each command lasts until this many have begun. */
  together: number
}

async function runRecipe(dir: string, { make, jobslot, mark, commands, together }: Recipe) {
  const spans = join(dir, 'spans')
  const wait = join(dir, 'wait.sh')
  writeFileSync(wait, `until [ $(grep -c ^B ${spans}) -ge ${together} ]; do sleep 0.02; done\n`)
  const acquire = [...jobslot, 'acquire', '--', compiled('job'), spans, 50, 'job', 'sh', wait].join(' ')
  writeFileSync(join(dir, 'Makefile'), `all:\n\t${mark}@${`${acquire} & `.repeat(commands)}wait\n`)

  const state = newState()
  const env = { ...quietNpm, ...state.env, NODE_DEBUG: 'jobslot' }
  const result = await run([...make, `-j${limit}`], { cwd: dir, env, timeout })
  expect(state.left()).toEqual([])
  return { ...result, ...told(result), spans: readSpans(spans) }
}

/** stderr told apart: what every user sees, and the trace of NODE_DEBUG. */
function told({ stderr }: Result): { messages: string[]; trace: string } {
  const lines = stderr.split('\n').filter((line) => line !== '')
  const isTrace = (line: string) => /^JOBSLOT \d+:/.test(line)
  return { messages: lines.filter((line) => !isTrace(line)), trace: lines.filter(isTrace).join('\n') }
}

const ended = (spans: Span[]): Span[] => spans.filter((span) => span.end !== null)
const pipeMakes = [
  ['make43', []],
  ['make44', ['--jobserver-style=pipe']],
] as const

describe('with + a recipe takes tokens, and gives them back', () => {
  test.for(pipeMakes)('through npx, %s %j', async ([name, options], ctx) => {
    const make = [requireTool(name, ctx), ...options]
    const recipe = await runRecipe(withPackage(), { make, jobslot: npx, mark: '+', commands: 3, together: 2 })
    // make has nothing to complain of, so its token is back.
    expect(recipe).toMatchObject({ code: 0, messages: [], stdout: '' })
    expect(recipe.trace).toMatch(/took token (\d+).*gave back token \1/s)
    expect(ended(recipe.spans)).toHaveLength(3)
    expect(peak(recipe.spans)).toBe(limit)
  })
})

describe('without + a command goes on with the one slot, and says so once', () => {
  const cases = pipeMakes.flatMap(([name, options]) =>
    [1, 2].flatMap((commands) => (['npx', 'node'] as const).map((how) => ({ name, options, commands, how }))),
  )

  test.for(cases)('$name $options, $commands command(s) through $how', async (given, ctx) => {
    const make = [requireTool(given.name, ctx), ...given.options]
    const dir = given.how === 'npx' ? withPackage() : tempDir()
    const jobslot = given.how === 'npx' ? npx : cli
    const { commands } = given
    const recipe = await runRecipe(dir, { make, jobslot, mark: '', commands, together: 1 })
    expect(recipe).toMatchObject({ code: 0, stdout: '' })
    const warning = /^jobslot: .*: mark the recipe line with '\+'.*goes on with one slot$/
    expect(recipe.messages).toEqual(Array.from({ length: commands }, () => expect.stringMatching(warning)))
    expect(recipe.trace).not.toMatch(/took token/)
    expect(ended(recipe.spans)).toHaveLength(commands)
    expect(peak(recipe.spans)).toBe(1)
  })
})
