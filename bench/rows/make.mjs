import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { byTurns, startContender } from '../contender.mjs'
import { figure, ratio } from '../statistics.mjs'

const JOBS = 200
const JOB_MS = 10
const LIMIT = 4

export const make = {
  name: 'make',
  title: 'A build under `jobslot run`',
  about: `A build of 200 jobs of 10 ms with \`make -j4\` alone, and with \`jobslot run -j4 -- make\`. The jobs write down when they
begin and end; a build that ran more or fewer than 4 of them at once would have stopped the bench. What \`run\` adds is set
against Node's own start (\`node -e 0\`) plus 2 % of the build. A make of before 4.4 is served by a pipe, a newer one by a
FIFO; where both are there, both are measured.`,
  measure,
}

/** A build of short jobs under `jobslot run -j4`, against make's own -j4. */
async function measure({ quick, dir, env, makes, program, cli, onProgress }) {
  const spans = join(dir, 'spans')
  const names = Array.from({ length: JOBS }, (_, i) => `job${i}`).join(' ')
  writeFileSync(
    join(dir, 'Makefile'),
    `.PHONY: all ${names}\nall: ${names}\n${names}:\n\t@${program('job')} ${spans} ${JOB_MS} $@\n`,
  )
  const stopwatch = (name, argv) => startContender(name, [program('stopwatch'), 'none', ...argv], env)
  const nodeStart = stopwatch('node -e 0', [process.execPath, '-e', '0'])
  const builds = makes.flatMap(({ path, version }) => {
    const build = [path, '--no-print-directory', '-C', dir]
    return [
      stopwatch(`make ${version} -j${LIMIT}`, [...build, `-j${LIMIT}`]),
      stopwatch(`jobslot run -j${LIMIT} -- make ${version}`, [...cli, 'run', `-j${LIMIT}`, '--', ...build]),
    ]
  })
  const measures = [
    async () => wallOf(await nodeStart.ask()),
    ...builds.map((build) => async () => {
      rmSync(spans, { force: true })
      const wall = wallOf(await build.ask())
      checkJobs(build.name, spans)
      return wall
    }),
  ]
  const rounds = await byTurns(measures, { rounds: quick ? 3 : 11, onProgress })
  await Promise.all([nodeStart, ...builds].map(({ end }) => end()))

  const [start, ...walls] = rounds
  return [
    {
      title: `A build of ${JOBS} jobs of ${JOB_MS} ms`,
      unit: 'ns',
      figures: [nodeStart, ...builds].map(({ name }, i) => figure(name, rounds[i])),
      ratios: makes.flatMap(({ version }, i) => {
        const [alone, run] = walls.slice(2 * i, 2 * i + 2)
        return [
          ratio(`time: extra of run / (node -e 0 + 2 % of make ${version})`, [run, alone, start], {
            formula: (run, alone, start) => (run - alone) / (start + 0.02 * alone),
            target: { atMost: 1 },
          }),
          ratio(`time: run / make ${version}`, [run, alone]),
        ]
      }),
    },
  ]
}

const wallOf = (answer) => Number(answer.split(' ')[0])

/** A build that ran fewer jobs, or more or fewer at once, is no figure to compare. */
function checkJobs(name, spans) {
  let running = 0
  let peak = 0
  let ended = 0
  for (const line of readFileSync(spans, 'utf8').trim().split('\n')) {
    running += line.startsWith('B') ? 1 : -1
    if (line.startsWith('E')) ended++
    peak = Math.max(peak, running)
  }
  if (ended !== JOBS || peak !== LIMIT) {
    throw new Error(`${name} ran ${ended} of ${JOBS} jobs and at most ${peak} at once, not ${LIMIT}`)
  }
}
