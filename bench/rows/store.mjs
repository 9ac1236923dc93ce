import { join } from 'node:path'
import { byTurns, startContender } from '../contender.mjs'
import { figure, ratio } from '../statistics.mjs'

const DURABLE = [
  { name: 'jobslot, on disk: 1 caller', way: 'jobslot-disk', jobs: 60, callers: 1 },
  { name: 'jobslot, on disk: 64 callers', way: 'jobslot-disk', jobs: 3000, callers: 64 },
  { name: 'SQLite, synchronous=FULL', way: 'sqlite-full', jobs: 60, callers: 1 },
]
const NOT_SYNCED = [
  { name: 'jobslot, not synced: 1 caller', way: 'jobslot-os', jobs: 1500, callers: 1 },
  { name: 'jobslot, not synced: 64 callers', way: 'jobslot-os', jobs: 6000, callers: 64 },
  { name: 'SQLite, synchronous=NORMAL', way: 'sqlite-normal', jobs: 1000, callers: 1 },
  { name: 'plainjob', way: 'plainjob', jobs: 500, callers: 1 },
]
const PROCESSES = 4
const SHARED = [
  { name: 'jobslot, on disk', way: 'jobslot-disk', jobs: 1000, callers: 16 },
  { name: 'SQLite, synchronous=FULL', way: 'sqlite-full', jobs: 20, callers: 1 },
  { name: 'jobslot, not synced', way: 'jobslot-os', jobs: 2000, callers: 16 },
  { name: 'SQLite, synchronous=NORMAL', way: 'sqlite-normal', jobs: 300, callers: 1 },
]

export const store = {
  name: 'store',
  title: 'A job created, pulled and fulfilled',
  about: `Next to better-sqlite3 with the same in a table (WAL, one caller, as it does one thing after the other) in both of its
modes, and to plainjob, a queue on better-sqlite3, which syncs as SQLite does with \`synchronous=NORMAL\`. On disk each
time, with one caller and with 64 at once; not synced, the same; then four processes on one store. How long the disk takes
for a sync is most of what the lines with one caller say.

fs-job-store 1.2, whose interface jobslot keeps, is not among them: it cannot be installed any more.`,
  measure,
}

/** A job created, pulled and fulfilled: by one process, and by four on one store. */
async function measure({ quick, dir, env, script, onProgress }) {
  const rounds = quick ? 4 : 15
  const share = (from, to) => (done) => onProgress(from + done * (to - from))
  const durable = await measureParties(DURABLE, 1, {
    rounds,
    dir: join(dir, 'a'),
    env,
    script,
    onProgress: share(0, 0.3),
  })
  const fast = await measureParties(NOT_SYNCED, 1, {
    rounds,
    dir: join(dir, 'b'),
    env,
    script,
    onProgress: share(0.3, 0.5),
  })
  const shared = await measureParties(SHARED, PROCESSES, {
    rounds,
    dir: join(dir, 'c'),
    env,
    script,
    onProgress: share(0.5, 1),
  })
  const [diskOne, diskMany, full] = durable.rounds
  const [osOne, osMany, normal, plainjob] = fast.rounds
  const [diskShared, fullShared, osShared, normalShared] = shared.rounds
  return [
    {
      title: 'A job created, pulled and fulfilled, on disk each time',
      unit: 'ns',
      figures: durable.figures,
      ratios: [
        ratio('speed: 1 caller / SQLite FULL', [full, diskOne], { target: { atLeast: 0.8 } }),
        ratio('speed: 64 callers / SQLite FULL', [full, diskMany], { target: { atLeast: 20 } }),
      ],
    },
    {
      title: 'The same, not synced',
      unit: 'ns',
      figures: fast.figures,
      ratios: [
        ratio('speed: 1 caller / SQLite NORMAL', [normal, osOne], { target: { atLeast: 2 } }),
        ratio('speed: 64 callers / SQLite NORMAL', [normal, osMany], { target: { atLeast: 6 } }),
        ratio('speed: 1 caller / plainjob', [plainjob, osOne]),
      ],
    },
    {
      title: `The same by ${PROCESSES} processes at once, of 16 callers each; SQLite's have one`,
      unit: 'ns',
      figures: shared.figures,
      ratios: [
        ratio('speed, on disk: jobslot / SQLite FULL', [fullShared, diskShared], { target: { atLeast: 3 } }),
        ratio('speed, not synced: jobslot / SQLite NORMAL', [normalShared, osShared], { target: { atLeast: 3 } }),
      ],
    },
  ]
}

/** Each contender is so many processes on one store; the time for one job is that until all are done. */
async function measureParties(contenders, processes, { rounds, dir, env, script, onProgress }) {
  const parties = new Map()
  for (const { name, way } of contenders) {
    if (parties.has(way)) continue
    const argv = [...script('store.mjs'), way, `${dir}-${way}`]
    parties.set(way, [])
    for (let i = 0; i < processes; i++) {
      const party = startContender(name, argv, env)
      parties.get(way).push(party)
      // The first makes what the others find.
      if (i === 0) await party.ask('1 1')
    }
  }
  const measures = contenders.map(({ way, jobs, callers }) => async () => {
    const times = await Promise.all(parties.get(way).map(({ ask }) => ask(`${jobs} ${callers}`)))
    return Math.max(...times.map(Number)) / (jobs * processes)
  })
  const figures = await byTurns(measures, { rounds, warmUp: 2, onProgress })
  for (const party of [...parties.values()].flat()) await party.end()
  return { rounds: figures, figures: contenders.map(({ name }, i) => figure(name, figures[i])) }
}
