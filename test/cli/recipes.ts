import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newState } from '../real/state.ts'
import { cli } from '../support/cli.ts'
import { compiled } from '../support/compile.ts'
import { type JobserverCommand, namedJobserver, pipeJobserver } from '../support/jobserver.ts'
import { type Result, type RunOptions, run, tempDir } from '../support/processes.ts'
import { peak, readSpans } from '../support/spans.ts'
import { requireTool, type Skippable } from '../support/tools.ts'

/** A jobslot command line for a shell. */
export const acquire = `${cli.join(' ')} acquire`

/** Jobslot with a state folder of its own, unless `env` names one. */
export function jobslot(words: readonly string[], options: RunOptions = {}): Promise<Result> {
  return run([...cli, ...words], { ...options, env: { ...newState().env, ...options.env } })
}

/**
 * A job for a recipe or a shell, which records its span in the folder that it is started in. With `meet` none of them
 * ends before that many have run at once: however slow the machine, they would show a slot too many or one unused.
 */
export function job(options: { ms?: number; label?: string; meet?: number } = {}): string {
  const { ms = 120, label = 'job', meet } = options
  return `${compiled('job')} spans ${ms} ${label}${meet ? ` sh meet.sh ${meet}` : ''}`
}

/** A job's command: waits until as many jobs run at once as it is told, or gives up. */
const MEET = `tries=0
until [ -e met ]; do
  running=$(( $(grep -c ^B spans) - $(grep -c ^E spans) ))
  tries=$(( tries + 1 ))
  if [ $running -ge $1 ] || [ $tries -gt 300 ]; then : > met; else sleep 0.05; fi
done
`

/** What a folder needs for jobs that meet. */
export function writeMeeting(dir: string): void {
  writeFileSync(join(dir, 'meet.sh'), MEET)
}

/** Both forms of a jobserver, each from a make that serves and understands it. */
export const makes = [
  { name: 'make 4.3, pipe', tool: 'make43', style: 'pipe' },
  { name: 'make 4.4, fifo', tool: 'make44', style: 'fifo' },
] as const

export type Make = (typeof makes)[number]

/** A Makefile with one target for each recipe, which run at once where make may. A `$` is the shell's. */
export function writeMakefile(dir: string, recipes: readonly string[]): void {
  const names = recipes.map((_, i) => `recipe${i}`)
  const rules = recipes.map((recipe, i) => {
    const lines = recipe.split('\n').map((line) => `\t${line.replaceAll('$', '$$$$')}\n`)
    return `${names[i]}:\n${lines.join('')}`
  })
  writeFileSync(join(dir, 'Makefile'), `.PHONY: all ${names.join(' ')}\nall: ${names.join(' ')}\n${rules.join('')}`)
}

/** What a build of such recipes has come to. */
export interface Built extends Result {
  /** The jobs that came to their end. */
  done: string[]
  peak: number
  /** What jobslot left in its state folder. */
  left: string[]
}

export interface BuildOptions extends RunOptions {
  make: Make
  slots: number
  /** Arguments of make. */
  flags?: string[]
}

/** Has make, as the jobserver, build recipes. */
export async function build(recipes: readonly string[], options: BuildOptions, ctx: Skippable): Promise<Built> {
  const make = [requireTool(options.make.tool, ctx), '--no-print-directory', `-j${options.slots}`]
  return builtBy([...make, ...(options.flags ?? [])], recipes, options)
}

/** As `build`, with make as the client of another jobserver. Returns the tokens that are there at the end, too. */
export async function buildAsClient(
  recipes: readonly string[],
  options: BuildOptions,
  ctx: Skippable,
): Promise<Built & { tokens: string }> {
  const make = [requireTool(options.make.tool, ctx), '--no-print-directory', ...(options.flags ?? [])]
  // make gives back every token as this byte.
  const jobserver = jobserverOf(options.make.style, Buffer.from('+'.repeat(options.slots - 1)))
  const built = await builtBy(jobserver.around(make), recipes, options)
  return { ...built, tokens: Buffer.from(jobserver.report().tokens, 'hex').toString() }
}

export function jobserverOf(style: 'pipe' | 'fifo', tokens: Buffer): JobserverCommand {
  return style === 'pipe' ? pipeJobserver(tokens) : namedJobserver(join(tempDir(), 'jobserver'), tokens)
}

async function builtBy(argv: string[], recipes: readonly string[], options: RunOptions): Promise<Built> {
  const cwd = options.cwd ?? tempDir()
  const state = newState()
  writeMakefile(cwd, recipes)
  writeMeeting(cwd)
  const result = await run(argv, { timeout: 50_000, ...options, cwd, env: { ...state.env, ...options.env } })
  const spans = readSpans(join(cwd, 'spans'))
  const done = spans.filter((span) => span.end !== null).map((span) => span.label)
  return { ...result, stderr: withoutWaiting(result.stderr), done, peak: peak(spans), left: state.left() }
}

/** On a busy machine any wait may take longer than the 2 s after which jobslot tells of it. */
export function withoutWaiting(stderr: string): string {
  return stderr.replaceAll(/^jobslot: waiting for .*\n/gm, '')
}

/** As `requireTool`, for a program that any version of will do. */
export function requireProgram(name: string, ctx: Skippable): void {
  const { status } = spawnSync(name, ['--version'], { stdio: 'ignore' })
  if (status === 0) return
  const message = `${name} is missing: install it`
  if (process.env.CI) throw new Error(message)
  console.warn(`SKIPPED: ${message}`)
  ctx.skip(message)
}
