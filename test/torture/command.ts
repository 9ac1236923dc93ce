import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import setup from '../support/global-setup.ts'
import { commandOf, type Options, readOptions, USAGE } from './options.ts'
import { Progress } from './progress.ts'
import { add, lossText, type Results, section, table, withSection } from './results.ts'
import { runSlice } from './slice.ts'
import type { Storm } from './storm.ts'
import { type StormName, storms } from './storms.ts'

/** A storm of less is none. */
const SHORTEST_MS = 3000
const LONGEST_MS = 60_000

const say = (text: string) => process.stdout.write(text)

/** `npm run torture`. */
async function main(argv: readonly string[]): Promise<void> {
  const options = readOptions(argv)
  if (options === null) say(USAGE)
  else if (typeof options === 'string') {
    process.stderr.write(`torture: ${options}\n\n${USAGE}`)
    process.exitCode = 64
  } else if (options.from) {
    tell(JSON.parse(readFileSync(options.from, 'utf8')), options)
  } else {
    setup()
    process.exit(await torture(options))
  }
}

async function torture(options: Options): Promise<number> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // The second time it does what it does.
    process.once(signal, () => stop.abort(signal))
  }
  const date = new Date().toISOString().slice(0, 10)
  const results: Results = { date, machine: machine(), command: commandOf(options), storms: {}, losses: [] }
  say(`torture: ${results.command}\n`)
  const unnoticed = await turns(options, results, stop.signal)
  tell(results, options)
  for (const name of unnoticed) say(`torture: the checker of ${name} did not notice a planted fault\n`)
  if (stop.signal.aborted) return 130
  return (options.canary ? unnoticed : results.losses).length > 0 ? 1 : 0
}

/** Storm after storm, until the time is over. Gives the names of those whose canary was not noticed. */
async function turns(options: Options, results: Results, signal: AbortSignal): Promise<StormName[]> {
  const { minutes, only, canary } = options
  const longest = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, (minutes * 60_000) / only.length))
  const end = performance.now() + minutes * 60_000
  const progress = new Progress(end)
  const unnoticed: StormName[] = []
  for (let turn = 0; !signal.aborted; turn++) {
    const left = end - performance.now()
    // Each has its turn, however short the time; a canary has one only.
    if (turn >= only.length && (canary || left < SHORTEST_MS)) break
    const name = only[turn % only.length]!
    const seed = options.seed + Math.floor(turn / only.length)
    const ms = Math.max(SHORTEST_MS, Math.min(longest, left))
    const began = performance.now()
    const run = (storm: Storm) => {
      progress.follow(name, storm)
      return storms[name].run(storm)
    }
    const { kills, operations, problems, notes } = await runSlice(name, run, { seed, ms, signal, canary })
    // What was cut short could not be checked.
    if (signal.aborted) break
    const seconds = Math.round(performance.now() - began) / 1000
    results.storms[name] = add(results.storms[name], { seconds, kills, operations, losses: problems.length, notes })
    progress.ended(results)
    if (canary && !problems.some((problem) => storms[name].finds.test(problem))) unnoticed.push(name)
    if (problems.length === 0) continue
    const repeat = commandOf({ only: [name], seed, minutes: Math.ceil(ms / 600) / 100 })
    results.losses.push({ storm: name, problems, repeat: canary ? `${repeat} --canary` : repeat })
    if (!canary) progress.lost(name, problems)
  }
  progress.end()
  return unnoticed
}

function tell(results: Results, { json, write }: Options): void {
  say(`\n${table(results, storms)}\n`)
  for (const loss of results.losses) say(`\n${lossText(loss)}`)
  if (json) writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`)
  if (!write) return
  const page = withSection(readFileSync(write, 'utf8'), section(results, storms))
  if (page === null)
    throw new Error(`${write} has no place for the results: put the two marks of docs/reliability.md into it`)
  writeFileSync(write, page)
}

function machine(): string {
  const [{ model = 'unknown' } = {}, ...more] = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  return `${more.length + 1} CPUs (${model.trim()}), ${memory} GiB, Linux ${release().split('-')[0]}, Node ${process.version}`
}

await main(process.argv.slice(2))
