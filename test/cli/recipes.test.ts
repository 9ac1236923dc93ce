import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { newState } from '../real/state.ts'
import { cliFile, packageDir } from '../support/cli.ts'
import { distinctTokens, sortedHex } from '../support/jobserver.ts'
import { run, tempDir } from '../support/processes.ts'
import { peak, readSpans } from '../support/spans.ts'
import { acquire, build, buildAsClient, job, jobserverOf, makes, requireProgram, writeMeeting } from './recipes.ts'

/**
 * A recipe that starts `jobslot acquire` more than once: each is a process of its own and cannot know of the others,
 * and yet they share the one slot that make gave the recipe.
 */

const one = `${acquire} -- ${job({ meet: 2 })}`

interface Loop {
  name: string
  recipe: string
  /** How many jobs the recipe runs. */
  jobs: number
}

const loops: Loop[] = [
  { name: 'one after the other', recipe: `for i in 1 2 3; do ${one} || exit; done`, jobs: 3 },
  { name: 'subshells in the background', recipe: `( ${one} ) & ( ${one} ) & ( ${one}; : ) & wait`, jobs: 3 },
  { name: 'commands in the background', recipe: `${one} & ${one} & ${one} & wait`, jobs: 3 },
  { name: 'subshells in subshells', recipe: `( ( ${one}; ${one} ) & ( ${one} ) & wait ) & wait`, jobs: 3 },
  { name: 'xargs -P', recipe: `printf '%s\\n' 1 2 3 | xargs -P 4 -n 1 ${one}`, jobs: 3 },
  {
    name: 'xargs -P sh -c',
    recipe: `printf '%s\\n' 1 2 3 | xargs -P 4 -n 1 sh -c '${one} $0 && :'`,
    jobs: 3,
  },
  { name: '$( )', recipe: `x=$(${one} && printf a; ${one} && printf b); test "$x" = ab`, jobs: 2 },
  { name: 'env, timeout, nice', recipe: `env A=1 timeout 30 nice ${one} & sh -c '${one}; :' & wait`, jobs: 2 },
  { name: 'no shell', recipe: [one, one, one].join('\n'), jobs: 3 },
  { name: 'one inside another', recipe: `${acquire} -- ${one} & ${acquire} -- ${acquire} -- ${one} & wait`, jobs: 2 },
  {
    name: 'several inside another',
    recipe: `( ${acquire} -- sh -c '${one} & ${one} & wait' ) & ${one} & wait`,
    jobs: 3,
  },
]

/** Where make must mark every line of a recipe. */
const marked = (recipe: string): string => recipe.replaceAll(/^/gm, '+@')

describe.for(makes)('$name', (make) => {
  test.for(loops)('two recipes under -j2: $name', async ({ recipe, jobs }, ctx) => {
    const built = await build([marked(recipe), marked(recipe)], { make, slots: 2 }, ctx)
    expect(built).toMatchObject({ code: 0, stdout: '', stderr: '', left: [] })
    expect(built.done).toHaveLength(2 * jobs)
    expect(built.peak).toBe(2)
  })
})

describe.for(makes)('$name, make itself a client', (make) => {
  const some = loops.filter(({ name }) => /^subshells in the background|^xargs -P$|^no shell/.test(name))

  test.for(some)('all tokens are back: $name', async ({ recipe, jobs }, ctx) => {
    const built = await buildAsClient([marked(recipe), marked(recipe)], { make, slots: 2 }, ctx)
    expect(built).toMatchObject({ code: 0, stderr: '', left: [], tokens: '+' })
    expect(built.done).toHaveLength(2 * jobs)
    expect(built.peak).toBe(2)
  })

  test('a recipe takes tokens that no other recipe needs', async (ctx) => {
    const command = `${acquire} -- ${job({ meet: 3 })}`
    const recipe = `+@${command} & ( ${command} ) & ${command} & ${command} & ${command} & wait`
    const built = await buildAsClient([recipe], { make, slots: 3 }, ctx)
    expect(built).toMatchObject({ code: 0, stderr: '', left: [], peak: 3, tokens: '++' })
    expect(built.done).toHaveLength(5)
  })
})

describe.for(makes)('through npx: $name', (make) => {
  test('two recipes under -j2', async (ctx) => {
    requireProgram('npx', ctx)
    const cwd = tempDir()
    mkdirSync(join(cwd, 'node_modules/.bin'), { recursive: true })
    symlinkSync(packageDir, join(cwd, 'node_modules/jobslot'))
    symlinkSync(cliFile, join(cwd, 'node_modules/.bin/jobslot'))
    const command = `npx --no-install jobslot acquire -- ${job({ meet: 2 })}`
    const recipe = `+@${command} & ( ${command}; ${command} ) & wait`
    const env = {
      npm_config_update_notifier: 'false',
      npm_config_cache: join(cwd, 'cache'),
      npm_config_loglevel: 'error',
    }
    const built = await build([recipe, recipe], { make, slots: 2, cwd, env }, ctx)
    expect(built).toMatchObject({ code: 0, stdout: '', stderr: '', left: [] })
    expect(built.done).toHaveLength(6)
    expect(built.peak).toBe(2)
  })
})

describe.for(['pipe', 'fifo'] as const)('a shell as the client of a jobserver, %s', (style) => {
  test('takes as many slots as there are, and gives each token back as it was', async () => {
    const cwd = tempDir()
    writeMeeting(cwd)
    const tokens = distinctTokens(2)
    const command = `${acquire} -- ${job({ meet: 3 })}`
    const jobserver = jobserverOf(style, tokens)
    const state = newState()
    const argv = jobserver.around(['sh', '-c', `for i in 1 2 3 4 5; do ${command} & done; wait`])
    expect(await run(argv, { cwd, env: state.env })).toMatchObject({ code: 0, stdout: '' })
    const report = jobserver.report()
    expect(report.tokens).toBe(sortedHex(tokens))
    expect(report.flagsAfter).toEqual(report.flagsBefore)
    const spans = readSpans(join(cwd, 'spans'))
    expect(spans).toHaveLength(5)
    expect(peak(spans)).toBe(3)
    expect(state.left()).toEqual([])
  })
})

test('make hands a recipe without + nothing: it warns once and runs one at a time', async (ctx) => {
  const make = makes[0]
  const recipe = `@${acquire} -- ${job()} & ( ${acquire} -- ${job()} ) & wait`
  const built = await build([recipe], { make, slots: 4 }, ctx)
  expect(built).toMatchObject({ code: 0, peak: 1, left: [] })
  expect(built.done).toHaveLength(2)
  // Descriptor 3 is something of Node's own by now.
  expect(built.stderr).toMatch(/^(jobslot: descriptor.* mark the recipe line with '\+'.* goes on with one slot\n){2}$/)
})
