import { join } from 'node:path'
import { byTurns, startContender } from '../contender.mjs'
import { figure, point, ratio } from '../statistics.mjs'

const PULLS = 50
const FEW = 1000
const SERIES = [
  { name: 'jobslot', way: 'jobslot' },
  { name: 'SQLite, synchronous=NORMAL', way: 'sqlite' },
]

export const backlog = {
  name: 'backlog',
  title: 'Many pending jobs',
  about: `What jobs that wait cost those who want the next one: the time to claim it, the time until a process that has just
started has opened the store, and the memory for each of them. jobslot holds all pending jobs in memory, so that the next
one is found at once, and pays for it when the store is opened; SQLite reads from its file what it needs.`,
  measure,
}

async function measure({ quick, dir, env, script, onProgress }) {
  const counts = quick ? [100, FEW, 100_000] : [100, FEW, 10_000, 100_000, 1_000_000]
  const many = counts.at(-1)
  const [node, file] = script('backlog.mjs')
  const stores = SERIES.flatMap(({ name, way }) =>
    counts.map((jobs) => {
      const part = (what) => [node, '--expose-gc', file, way, join(dir, `${way}-${jobs}`), String(jobs), what]
      return { name, way, jobs, part }
    }),
  )
  for (const [i, { name, part }] of stores.entries()) {
    await startContender(name, part('fill'), env).end()
    onProgress((0.4 * (i + 1)) / stores.length)
  }
  const opens = await byTurns(
    stores.map(({ name, part }) => async () => {
      // One that has just started, and has not compiled anything by then, as others that open one.
      const opener = startContender(name, part('open'), env)
      const opened = JSON.parse(await opener.answer())
      await opener.end()
      return opened
    }),
    { rounds: quick ? 1 : 5, warmUp: 0, onProgress: (share) => onProgress(0.4 + share * 0.3) },
  )
  const pullers = stores.map(({ name, part }) => startContender(name, part('pull'), env))
  const pulls = await byTurns(
    pullers.map(
      ({ ask }) =>
        async () =>
          Number(await ask(PULLS)),
    ),
    { rounds: quick ? 7 : 31, onProgress: (share) => onProgress(0.7 + share * 0.3) },
  )
  await Promise.all(pullers.map(({ end }) => end()))

  const of = (list, way, jobs) => list[stores.findIndex((store) => store.way === way && store.jobs === jobs)]
  const points = (list) => stores.map(({ name, jobs }, i) => point(name, jobs, list[i]))
  const times = opens.map((rounds) => rounds.map(({ opened }) => opened))
  const bytes = of(opens, 'jobslot', many).map(({ bytes }) => bytes)
  const written = many.toLocaleString('en')
  return [
    {
      title: 'The next of the pending jobs claimed, not synced',
      unit: 'ns',
      figures: points(pulls),
      curve: { file: 'pull', x: 'pending jobs', y: 'time to claim the next one' },
      ratios: [
        ratio(`time: ${written} / 1,000 pending`, [of(pulls, 'jobslot', many), of(pulls, 'jobslot', FEW)], {
          target: { atMost: 2 },
        }),
        ratio(`speed: jobslot / SQLite, ${written} pending`, [of(pulls, 'sqlite', many), of(pulls, 'jobslot', many)]),
      ],
    },
    {
      title: 'A store with pending jobs opened',
      unit: 'ns',
      figures: points(times),
      curve: { file: 'open', x: 'pending jobs', y: 'time to open the store' },
      ratios: [
        ratio('time: / 3 s for a million', [of(times, 'jobslot', many)], {
          formula: (ns) => ns / (many * 3000),
          target: { atMost: 1 },
        }),
      ],
    },
    {
      title: 'Memory for each of them',
      unit: 'bytes',
      figures: [figure(`${written} pending`, bytes)],
      ratios: [ratio('/ 400 bytes', [bytes], { formula: (bytes) => bytes / 400, target: { atMost: 1 } })],
    },
  ]
}
