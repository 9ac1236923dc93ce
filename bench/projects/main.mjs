import { execFileSync } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { machineOf } from '../machine.mjs'
import { build, cli, scrubbedEnvironment } from '../prepare.mjs'
import { asText } from '../report/text.mjs'
import { measuredVersion } from '../versions.mjs'
import { measureMode } from './measure.mjs'
import { SAMPLE_MS } from './metered.mjs'
import { faults, MODES } from './modes.mjs'
import { findNeeds, versionIn } from './needs.mjs'
import { PROJECTS, SUITE } from './projects.mjs'
import { prepareSite } from './site.mjs'
import { fetchSources, versionOf } from './sources.mjs'
import { tables } from './tables.mjs'

const USAGE = `npm run bench:projects -- [--rounds N] [--json FILE] [--keep]

Builds ${PROJECTS.map(({ name }) => name).join(', ')}, from Debian's source packages: in one pool, at once with -jN each, and in turn
with -jN each; N is the number of CPUs.

  --rounds N    how often, 3
  --json FILE   write the figures to FILE too
  --keep        leave what was built where it is, and say where
`

const root = join(import.meta.dirname, '../..')
const stop = new AbortController()
const scratch = { dir: null, keep: false }
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(name, () => stop.abort(new Error(`ended by ${name}`)))
process.on('exit', () => {
  if (scratch.dir === null) return
  if (scratch.keep) process.stderr.write(`bench: what was built lies in ${scratch.dir}\n`)
  else rmSync(scratch.dir, { recursive: true, force: true })
})

const options = readOptions()
if (typeof options === 'string') {
  process.stderr.write(`bench: ${options}\n\n${USAGE}`)
  process.exitCode = 64
} else if (options.help) {
  process.stdout.write(USAGE)
} else {
  process.exitCode = await bench(options)
}

/** The options, or what is wrong with them. */
function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        rounds: { type: 'string', default: '3' },
        json: { type: 'string' },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const rounds = Number(values.rounds)
    return Number.isInteger(rounds) && rounds > 0 ? { ...values, rounds } : '--rounds wants a number above 0'
  } catch (error) {
    return error.message
  }
}

/** Returns the exit status. */
async function bench({ rounds, json, keep }) {
  try {
    const result = await measure(rounds, keep)
    process.stdout.write(asText(result.rows))
    if (json) writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`)
    for (const fault of result.faults) process.stderr.write(`bench: WRONG: ${fault}\n`)
    return result.faults.length === 0 ? 0 : 1
  } catch (error) {
    process.stderr.write(`bench: ${(stop.signal.aborted ? stop.signal.reason : error).message}\n`)
    if (!stop.signal.aborted && error.stderr) process.stderr.write(error.stderr)
    return 1
  }
}

async function measure(rounds, keep) {
  const needs = findNeeds(root)
  build()
  const cache = join(root, '.tools/projects')
  say(`the sources of ${PROJECTS.map(({ name }) => name).join(', ')}`)
  await fetchSources(
    PROJECTS.map(({ name }) => name),
    SUITE,
    cache,
    stop.signal,
  )
  scratch.dir = mkdtempSync(join(realpathSync(tmpdir()), 'jobslot-projects-'))
  scratch.keep = keep
  const { dir } = scratch
  const program = (name, source) => {
    const path = join(dir, name)
    execFileSync(needs.cc, ['-O2', '-Wall', '-Wextra', '-o', path, source], { stdio: 'inherit' })
    return path
  }
  const context = {
    ...{ dir, cli, needs, signal: stop.signal, env: environment(), limit: availableParallelism() },
    ...{ spans: join(dir, 'spans'), job: program('job', join(root, 'test/support/job.c')) },
    meter: program('meter', join(import.meta.dirname, 'meter.c')),
  }
  const sites = []
  for (const project of PROJECTS) {
    say(`configures ${project.name}`)
    sites.push(await prepareSite(project, join(cache, project.name), context))
  }
  const loadBefore = loadavg()
  const results = []
  for (let round = 1; round <= rounds; round++) {
    const ofRound = []
    for (const mode of MODES) {
      const measured = await measureMode(mode, sites, context)
      say(`round ${round} of ${rounds}, ${mode.name}: ${told(measured)}`)
      ofRound.push(measured)
    }
    results.push(ofRound)
  }
  return report(results, context, { loadBefore, versions: versions(needs, cache) })
}

/** As the report wants it, see ../README.md; and `faults`, which it does not show. */
function report(results, { limit, dir }, { loadBefore, versions }) {
  const own = results.flat().map(({ ownNs, wallNs }) => ownNs / wallNs)
  const memory = `Memory is what the processes of all builds have for themselves (anonymous pages), asked every ${SAMPLE_MS} ms, which
took at most ${(Math.max(...own) * 100).toFixed(1)} % of one CPU.`
  return {
    machine: { ...machineOf(dir), loadBefore, loadAfter: loadavg() },
    commit: measuredVersion(),
    versions,
    date: new Date().toISOString().slice(0, 10),
    faults: [...new Set(results.flatMap((round) => faults(round, limit)))],
    rows: [
      {
        name: 'projects',
        title: 'Three of them, built in three ways',
        about: `${PROJECTS.map(({ name, kind }) => `${name} (${kind})`).join(', ')} built ${results.length} times each: all at once in one pool of
${limit} slots, all at once with -j${limit} each, and in turn with -j${limit} each. Configuring is not part of it. ${memory}`,
        tables: tables(
          results,
          PROJECTS.map(({ name }) => name),
          limit,
        ),
      },
    ],
  }
}

function versions(needs, cache) {
  return [
    ...PROJECTS.map(({ name }) => ({ name, version: `${versionOf(join(cache, name))}, of Debian ${SUITE}` })),
    ...['make', 'ninja', 'cmake', 'cc'].map((name) => ({ name, version: versionIn(needs[name]) })),
  ]
}

function told({ wallNs, jobs, peak, average, peakBytes }) {
  const memory = `${(peakBytes / 2 ** 20).toFixed(0)} MiB`
  return `${(wallNs / 1e9).toFixed(1)} s, ${jobs} jobs, at most ${peak} and on average ${average.toFixed(2)} at once, ${memory}`
}

/** What a user has set for builds is not for these; and a compiler's cache would leave the later ones nothing to do. */
function environment() {
  const { CC, CXX, CFLAGS, CXXFLAGS, CPPFLAGS, LDFLAGS, CMAKE_GENERATOR, NINJA_STATUS, ...rest } =
    scrubbedEnvironment('')
  return { ...rest, CCACHE_DISABLE: '1', LC_ALL: 'C' }
}

function say(what) {
  process.stderr.write(`bench: ${what}\n`)
}
