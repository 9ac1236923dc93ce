import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { byTurns, startContender } from '../contender.mjs'
import { figure, ratio } from '../statistics.mjs'

const PULLS = 50

/** What many jobs that wait cost those who want the next one, or to add one. */
export async function backlog({ quick, dir, env, program, script, cli, onProgress }) {
  const many = quick ? 100_000 : 1_000_000
  const few = [10, 1000]
  const stores = []
  for (const jobs of [...few, many]) {
    const place = join(dir, String(jobs))
    mkdirSync(place)
    const [node, ...file] = script('backlog.mjs')
    const name = `${jobs.toLocaleString('en')} pending`
    stores.push({ place, name, ...startContender(name, [node, '--expose-gc', ...file, place, String(jobs)], env) })
  }
  const opens = []
  for (const { answer } of stores) opens.push(JSON.parse(await answer()))
  onProgress(0.3)
  const pulls = await byTurns(
    stores.slice(1).map(
      ({ ask }) =>
        async () =>
          Number(await ask(PULLS)),
    ),
    { rounds: quick ? 7 : 31, onProgress: (share) => onProgress(0.3 + share * 0.2) },
  )
  const adding = [stores[0], stores[2]].map(({ place, name }) => {
    const argv = [...cli, 'job', 'add', '--dir', place, '{"task":"compile"}']
    return startContender(name, [program('stopwatch'), 'none', ...argv], env)
  })
  const adds = await byTurns(
    adding.map(
      ({ ask }) =>
        async () =>
          Number((await ask()).split(' ')[0]),
    ),
    { rounds: quick ? 7 : 31, onProgress: (share) => onProgress(0.5 + share * 0.5) },
  )
  await Promise.all([...adding, ...stores].map(({ end }) => end()))

  const opened = opens.at(-1)
  const name = stores.at(-1).name
  return [
    {
      title: 'The next of the pending jobs claimed, not synced',
      unit: 'ns',
      figures: stores.slice(1).map(({ name }, i) => figure(name, pulls[i])),
      ratios: [ratio('time: many / 1,000', [pulls[1], pulls[0]], { target: { atMost: 2 } })],
    },
    {
      title: '`jobslot job add`, on disk',
      unit: 'ns',
      figures: adding.map(({ name }, i) => figure(name, adds[i])),
      ratios: [ratio('time: many / 10', [adds[1], adds[0]], { target: { atMost: 1.2 } })],
    },
    {
      title: 'A store with many pending jobs opened',
      unit: 'ns',
      figures: [figure(name, [opened.opened])],
      ratios: [
        ratio('time: / 3 s for a million', [[opened.opened]], {
          formula: (ns) => ns / (many * 3000),
          target: { atMost: 1 },
        }),
      ],
    },
    {
      title: 'Memory for each of them',
      unit: 'bytes',
      figures: [figure(name, [opened.bytes])],
      ratios: [ratio('/ 400 bytes', [[opened.bytes]], { formula: (bytes) => bytes / 400, target: { atMost: 1 } })],
    },
  ]
}
