import { readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import setup from '../support/global-setup.ts'
import { type Options, readOptions, USAGE } from './options.ts'
import { Progress } from './progress.ts'
import { add, type Results, section, table, withSection } from './results.ts'
import { runSlice } from './slice.ts'
import type { Storm } from './storm.ts'
import { type StormName, storms } from './storms.ts'

/** A storm of less is none. */
const SHORTEST_MS = 3000
const LONGEST_MS = 60_000

/** `npm run torture`. */
async function main(argv: readonly string[]): Promise<void> {
  const options = readOptions(argv)
  if (options === null) process.stdout.write(USAGE)
  else if (typeof options === 'string') {
    process.stderr.write(`torture: ${options}\n\n${USAGE}`)
    process.exitCode = 64
  } else {
    setup()
    process.exit(await torture(options))
  }
}

async function torture(options: Options): Promise<number> {
  const { minutes, seed, json, write } = options
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // The second time it does what it does.
    process.once(signal, () => stop.abort(signal))
  }
  const results: Results = {
    date: new Date().toISOString().slice(0, 10),
    machine: machine(),
    seed,
    minutes,
    storms: {},
    losses: [],
  }
  process.stdout.write(`torture: ${minutes} minutes with seed ${seed}\n`)
  const unnoticed = await turns(options, results, stop.signal)

  process.stdout.write(`\n${table(results, storms)}\n`)
  for (const { storm, problems, repeat } of results.losses) {
    process.stdout.write(`\n${storm}:\n${problems.map((problem) => `  ${problem}\n`).join('')}again: ${repeat}\n`)
  }
  if (json) writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`)
  if (write) writePage(write, section(results, storms))
  for (const name of unnoticed) process.stdout.write(`torture: the checker of ${name} did not notice a planted fault\n`)
  if (stop.signal.aborted) return 130
  if (options.canary) return unnoticed.length > 0 ? 1 : 0
  return results.losses.length > 0 ? 1 : 0
}

/** Storm after storm, until the time is over. Gives the names of those whose canary was not noticed. */
async function turns(
  { minutes, seed, only, canary }: Options,
  results: Results,
  signal: AbortSignal,
): Promise<StormName[]> {
  const ms = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, (minutes * 60_000) / only.length))
  const end = performance.now() + minutes * 60_000
  const progress = new Progress(end)
  const unnoticed: StormName[] = []
  for (let turn = 0; !signal.aborted; turn++) {
    const left = end - performance.now()
    // Each has its turn, however short the time; a canary has one only.
    if (turn >= only.length && (canary || left < SHORTEST_MS)) break
    const name = only[turn % only.length]!
    const options = {
      seed: seed + Math.floor(turn / only.length),
      ms: Math.max(SHORTEST_MS, Math.min(ms, left)),
      signal,
      canary,
    }
    const began = performance.now()
    const run = (storm: Storm) => {
      progress.follow(name, storm)
      return storms[name].run(storm)
    }
    const storm = await runSlice(name, run, options)
    progress.ended(results)
    // What was cut short could not be checked.
    if (signal.aborted) break
    const { kills, operations, problems, notes } = storm
    const seconds = Math.round(performance.now() - began) / 1000
    results.storms[name] = add(results.storms[name], { seconds, kills, operations, losses: problems.length, notes })
    if (canary && !problems.some((problem) => storms[name].finds.test(problem))) unnoticed.push(name)
    if (problems.length > 0) {
      const repeat = `npm run torture -- --only ${name} --seed ${options.seed} --minutes ${(options.ms / 60_000).toFixed(2)}`
      results.losses.push({ storm: name, problems, repeat })
      progress.lost(name, problems)
    }
  }
  progress.end()
  return unnoticed
}

function writePage(file: string, text: string): void {
  const page = withSection(readFileSync(file, 'utf8'), text)
  if (page === null)
    throw new Error(`${file} has no place for the results: put the two marks of docs/reliability.md into it`)
  writeFileSync(file, page)
}

function machine(): string {
  const [{ model = 'unknown' } = {}, ...more] = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  return `${more.length + 1} CPUs (${model.trim()}), ${memory} GiB, Linux ${release()}, Node ${process.version}`
}

await main(process.argv.slice(2))
