import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { descriptorTarget } from '../../src/proc.ts'
import { newState } from '../real/state.ts'
import { cli } from '../support/cli.ts'
import { distinctTokens, type FifoJobserver, fifoJobserver, sortedHex } from '../support/jobserver.ts'
import { childrenOf, type Result, type Running, run, start, tempDir, waitFor } from '../support/processes.ts'
import { peak, readSpans, type Span } from '../support/spans.ts'
import { requireTool } from '../support/tools.ts'
import {
  acquire,
  build,
  buildAsClient,
  job,
  jobserverOf,
  makes,
  withoutWaiting,
  writeMakefile,
  writeMeeting,
} from './recipes.ts'

/** Jobs whose label is the number of slots that each of them holds. */
function peakSlots(spans: readonly Span[]): number {
  return peak(spans.flatMap((span) => Array<Span>(Number(span.label)).fill(span)))
}

describe.for(makes)('$name: recipes that collect several slots', (make) => {
  const collector = (count: string, meet?: number) =>
    `+@${acquire} -c ${count} -- ${job({ ms: 200, label: '{slots}', ...(meet ? { meet } : {}) })}`

  test.for([
    { name: 'two want all four', slots: 4, recipes: [collector('4'), collector('4')] },
    { name: 'three want all four', slots: 4, recipes: [collector('4'), collector('4'), collector('4')] },
    { name: 'four want all two', slots: 2, recipes: Array<string>(4).fill(collector('2')) },
    { name: 'three want two of three', slots: 3, recipes: Array<string>(3).fill(collector('2')) },
    { name: 'different numbers', slots: 4, recipes: ['4', '3', '2', '1', '2..4', '4'].map((c) => collector(c)) },
    { name: 'several in one recipe', slots: 2, recipes: [`${collector('2')} & ${collector('2').slice(2)} & wait`] },
    {
      name: 'one by one between',
      slots: 3,
      recipes: [collector('3'), collector('1'), collector('3'), collector('1'), collector('2')],
    },
  ])('$name', async ({ slots, recipes }, ctx) => {
    const cwd = tempDir()
    const built = await build(recipes, { make, slots, cwd }, ctx)
    expect(built).toMatchObject({ code: 0, stdout: '', stderr: '', left: [] })
    expect(built.done).toHaveLength(recipes.join().match(/acquire/g)!.length)
    const most = peakSlots(readSpans(join(cwd, 'spans')))
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(slots)
  })

  test('two that both fit run at once', async (ctx) => {
    const built = await build([collector('2', 2), collector('2', 2)], { make, slots: 4 }, ctx)
    expect(built).toMatchObject({ code: 0, stderr: '', left: [], peak: 2 })
  })

  test('make as a client has all its tokens back', async (ctx) => {
    const built = await buildAsClient([collector('4'), collector('3'), collector('2')], { make, slots: 4 }, ctx)
    expect(built).toMatchObject({ code: 0, stderr: '', left: [], tokens: '+++' })
    expect(built.done.sort()).toEqual(['2', '3', '4'])
  })

  test('a make that holds three slots runs three jobs', async (ctx) => {
    const cwd = tempDir()
    const inner = tempDir()
    writeMakefile(inner, Array<string>(7).fill(`@${job({ meet: 3 })}`))
    writeMeeting(inner)
    const path = requireTool(make.tool, ctx)
    const recipe = `+@${acquire} -c 3 -- ${path} --no-print-directory -C ${inner}`
    const built = await buildAsClient([recipe], { make, slots: 5, cwd }, ctx)
    expect(built).toMatchObject({ code: 0, stderr: '', left: [], tokens: '++++' })
    const spans = readSpans(join(inner, 'spans'))
    expect(spans).toHaveLength(7)
    expect(peak(spans)).toBe(3)
  })

  test('a recipe whose slot another has borrowed does not go on before it is back', async (ctx) => {
    const cwd = tempDir()
    const recipes = [
      `+@${acquire} -c 3 -- ${job({ ms: 2500, label: '3' })}`,
      // The first is to be the one that collects.
      `+@until ls $JOBSLOT_DIR/recipes/*/bell; do sleep 0.05; done >ls 2>&1
+@${acquire} -c 3 -w 1500ms -- true; echo $? >status
@${job({ ms: 200, label: '1' })}`,
      `@${job({ ms: 300, label: '1' })}`,
    ]
    const built = await build(recipes, { make, slots: 3, cwd }, ctx)
    expect(built).toMatchObject({ code: 0, left: [] })
    expect(readFileSync(join(cwd, 'status'), 'utf8')).toBe('75\n')
    expect(built.done).toHaveLength(3)
    expect(peakSlots(readSpans(join(cwd, 'spans')))).toBe(3)
  })

  const tooLate = /^jobslot: no 2 slots of the jobserver .* \(2 slots\) within 0.3 s\n$/
  const notNow = /^jobslot: not enough slots are free at this moment\n$/
  test.for<[string, number, RegExp]>([
    ['-w 300ms', 75, tooLate],
    ['-w 300ms -E 9', 9, tooLate],
    ['--timeout=0.3 --timeout-status=0', 0, tooLate],
    ['-n', 75, notNow],
    ['-w 0', 75, notNow],
    ['--no-wait -E 255', 255, notNow],
  ])('what cannot finish ends: %s', async ([options, status, message], ctx) => {
    const cwd = tempDir()
    const collect = `${acquire} -c 2 ${options} -- touch ran`
    // The other recipe uses its slot for something of its own until then.
    const recipes = ['+@until [ -e ended ]; do sleep 0.05; done', `+@${collect}; echo $? > status; touch ended`]
    const built = await build(recipes, { make, slots: 2, cwd }, ctx)
    expect(built).toMatchObject({ code: 0, stdout: '', stderr: expect.stringMatching(message), left: [] })
    expect(readFileSync(join(cwd, 'status'), 'utf8')).toBe(`${status}\n`)
    expect(existsSync(join(cwd, 'ran'))).toBe(false)
  })
})

describe.for(['pipe', 'fifo'] as const)('how many slots a command gets: %s', (style) => {
  const tokens = distinctTokens(3)

  async function underFour(script: string): Promise<Result> {
    const jobserver = jobserverOf(style, tokens)
    const state = newState()
    const result = await run(jobserver.around(['sh', '-c', script]), { cwd: tempDir(), env: state.env })
    expect(jobserver.report().tokens).toBe(sortedHex(tokens))
    expect(state.left()).toEqual([])
    return result
  }

  const tell = `sh -c 'echo $JOBSLOT_SLOTS $*' sh`

  test.for([
    [`-- ${tell} {slots}`, '1 {slots}'],
    [`-c 1 -- ${tell} {slots}`, '1 1'],
    [`-c 3 -- ${tell} {slots}`, '3 3'],
    [`-c 4 -- ${tell} a{slots}b={slots} {slot}`, '4 a4b=4 {slot}'],
    [`-c 1..8 -- ${tell} {slots}`, '4 4'],
    [`--count=2..3 ${tell} {slots}`, '3 3'],
    [`-c 4..400 -- ${tell} {slots}`, '4 4'],
    [`-c 3 --no-substitute -- ${tell} {slots}`, '3 {slots}'],
    [`-n -c 4 -- ${tell} {slots}`, '4 4'],
    [`-c 1..8 -- ${acquire} -c 1..8 -- ${tell} {slots}`, '4 4'],
    [`-c 3 -- ${acquire} -c 1..2 -- ${tell} {slots}`, '2 3'],
    [`-- ${acquire} -c 1..8 -- ${tell} {slots}`, '4 4'],
  ] as const)('acquire %s', async ([words, told]) => {
    expect(await underFour(`${acquire} ${words}`)).toMatchObject({ code: 0, stdout: `${told}\n`, stderr: '' })
  })

  test('what others hold is not free', async () => {
    const waiting = 'until [ -e done ]; do sleep 0.05; done'
    const script = `
      ${acquire} -c 2 -- sh -c 'touch held; ${waiting}' &
      until [ -e held ]; do sleep 0.05; done
      ${acquire} -c 1..8 -- ${tell} {slots}; touch done; wait`
    expect(await underFour(script)).toMatchObject({ code: 0, stdout: '2 2\n' })
  })

  test.for(['5', '5..6'])('-c %s of four is an error at once', async (count) => {
    const result = await underFour(`${acquire} -c ${count} -- touch ran || { echo $?; ls; }`)
    expect(result.stdout).toBe('64\n')
    expect(result.stderr).toMatch(
      /^jobslot: acquire: 5 slots can never be had of the jobserver .* \(4 slots\); ask for at most 4: see /,
    )
  })

  test('a command without -c is a client of the jobserver that it was started under', async () => {
    const { stdout } = await underFour(`echo "$MAKEFLAGS"; ${acquire} -- sh -c 'echo "$MAKEFLAGS"'`)
    const [outside, inside] = stdout.split('\n')
    expect(inside).toBe(outside)
  })
})

test('more slots than a recipe without a jobserver has are an error at once', async () => {
  const env = { ...newState().env, MAKEFLAGS: ' -j4 --jobserver-auth=97,98' }
  const two = await run([...cli, 'acquire', '-c', '2', '--', 'true'], { env })
  expect(two).toMatchObject({
    code: 64,
    stderr: expect.stringContaining("2 slots can never be had of this recipe's one"),
  })
  const some = await run([...cli, 'acquire', '-c', '1..4', '--', 'echo', '{slots}'], { env })
  expect(some).toMatchObject({ code: 0, stdout: '1\n' })
})

/** A build whose recipes each have a slot from their server, and draw on tokens that are counted. */
class Recipes {
  readonly jobserver: FifoJobserver
  readonly state = newState()
  readonly cwd = tempDir()
  readonly #server = join(this.cwd, 'make')
  readonly #slots: number

  /** `slots` in all, `tokens` of them free. */
  constructor(slots: number, tokens: Buffer) {
    this.#slots = slots
    this.jobserver = fifoJobserver(tempDir(), tokens)
    // By its name the server is known, wherever the tests themselves run.
    symlinkSync('/bin/sh', this.#server)
  }

  /** Each is a recipe of its own, with a slot of its own. */
  start(...words: string[]): Running {
    const MAKEFLAGS = ` -j${this.#slots} --jobserver-auth=fifo:${this.jobserver.path}`
    const argv = [this.#server, '-c', '"$@"; exit $?', 'sh', ...cli, 'acquire', ...words]
    return start(argv, { cwd: this.cwd, env: { ...this.state.env, MAKEFLAGS } })
  }

  /** Holds `count` slots until `file` exists. */
  async hold(count: number, file: string): Promise<Running> {
    const running = this.start(
      `-c${count}`,
      '--',
      'sh',
      '-c',
      `touch held-${file}; until [ -e ${file} ]; do sleep 0.05; done`,
    )
    await waitFor(() => existsSync(join(this.cwd, `held-${file}`)), 10_000)
    return running
  }

  touch(file: string): void {
    writeFileSync(join(this.cwd, file), '')
  }
}

/** Whether the jobslot of a recipe has a file of that name open. */
function hasOpen(recipe: Running, name: string): boolean {
  try {
    const [jobslot] = childrenOf(recipe.pid)
    return readdirSync(`/proc/${jobslot}/fd`).some((fd) => descriptorTarget(jobslot!, Number(fd))?.endsWith(`/${name}`))
  } catch {
    return false
  }
}

const collecting = (recipe: Running) => waitFor(() => hasOpen(recipe, 'bell'), 10_000)
const waitingForTurn = (recipe: Running) => waitFor(() => hasOpen(recipe, 'turn') && !hasOpen(recipe, 'bell'), 10_000)

/** Kills a recipe and all that it runs. */
async function kill({ pid, result }: Running): Promise<void> {
  process.kill(-pid, 'SIGKILL')
  await result
}

describe('a killed collector', () => {
  test('that waits in turn blocks nobody', async () => {
    const recipes = new Recipes(8, distinctTokens(5))
    const holder = await recipes.hold(6, 'end')
    const killed = recipes.start('-c', '4', '--', 'touch', 'ran')
    await collecting(killed)
    const next = recipes.start('-c', '6', '-w', '20', '--', 'echo', '{slots}')
    await waitingForTurn(next)
    await kill(killed)
    recipes.touch('end')
    expect(await next.result).toMatchObject({ code: 0, stdout: '6\n' })
    expect(await holder.result).toMatchObject({ code: 0 })
    expect(recipes.state.left()).toEqual([])
    expect(recipes.jobserver.drain()).toBe(sortedHex(distinctTokens(5)))
  })

  test('that waits for its turn lends no more, and blocks nobody', async () => {
    const recipes = new Recipes(8, distinctTokens(3))
    const holder = await recipes.hold(4, 'end')
    const first = recipes.start('-c', '3', '--', 'echo', '{slots}')
    await collecting(first)
    const killed = recipes.start('-c', '4', '--', 'touch', 'ran')
    await waitingForTurn(killed)
    const last = recipes.start('-c', '2', '-w', '20', '--', 'echo', '{slots}')
    await waitingForTurn(last)
    await kill(killed)
    recipes.touch('end')
    expect(await first.result).toMatchObject({ code: 0, stdout: '3\n' })
    expect(await last.result).toMatchObject({ code: 0, stdout: '2\n' })
    await holder.result
    expect(recipes.state.left()).toEqual([])
    expect(recipes.jobserver.drain()).toBe(sortedHex(distinctTokens(3)))
  })

  test("that holds slots frees those that are the recipes' own", async () => {
    const recipes = new Recipes(4, distinctTokens(2))
    // The holder has the slot that the other recipe lends it.
    const other = await recipes.hold(3, 'other')
    const killed = recipes.start('-c', '2', '--', 'sh', '-c', 'touch got; exec sleep 60')
    await collecting(killed)
    const lender = recipes.start('-c', '2', '-w', '20', '--', 'echo', '{slots}')
    await waitFor(() => existsSync(join(recipes.cwd, 'got')), 10_000)
    await kill(killed)
    recipes.touch('other')
    expect(await lender.result).toMatchObject({ code: 0, stdout: '2\n' })
    await other.result
    expect(recipes.state.left()).toEqual([])
    expect(recipes.jobserver.drain()).toBe(sortedHex(distinctTokens(2)))
  })
})

test('what killed commands leave behind, the next command removes', async () => {
  const recipes = new Recipes(8, distinctTokens(3))
  const holder = await recipes.hold(1, 'never')
  const collector = recipes.start('-c', '6', '--', 'true')
  await collecting(collector)
  const waiting = recipes.start('-c', '3', '--', 'true')
  await waitingForTurn(waiting)
  await Promise.all([waiting, collector, holder].map(kill))
  expect(recipes.state.left().map((path) => basename(path))).toEqual(expect.arrayContaining(['turn', 'bell']))

  // Of another build, as the first one's jobserver may be gone.
  const { path } = fifoJobserver(tempDir(), distinctTokens(1))
  const env = { ...recipes.state.env, MAKEFLAGS: ` -j2 --jobserver-auth=fifo:${path}` }
  expect(await run([...cli, 'acquire', '--', 'true'], { env })).toMatchObject({ code: 0, stderr: '' })
  expect(recipes.state.left()).toEqual([])
})

test('a collector that waits tells so once', async () => {
  const recipes = new Recipes(4, distinctTokens(1))
  const holder = await recipes.hold(2, 'end')
  const waiting = recipes.start('-c', '2', '--', 'true')
  await waitFor(() => waiting.stderr() !== '', 10_000)
  recipes.touch('end')
  const { stderr } = await waiting.result
  expect(stderr).toMatch(/^jobslot: waiting for 2 slots of the jobserver .*\/jobserver \(4 slots\), 0 free now\n$/)
  expect(withoutWaiting(stderr)).toBe('')
  await holder.result
})
