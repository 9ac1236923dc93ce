import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { byTurns, startContender } from '../contender.mjs'
import { figure, ratio } from '../statistics.mjs'

const PULLS = 50

/** What many jobs that wait cost those who want the next one. */
export async function backlog({ quick, dir, env, script, onProgress }) {
  const many = quick ? 100_000 : 1_000_000
  const few = 1000
  const stores = []
  for (const jobs of [few, many]) {
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
    stores.map(
      ({ ask }) =>
        async () =>
          Number(await ask(PULLS)),
    ),
    { rounds: quick ? 7 : 31, onProgress: (share) => onProgress(0.3 + share * 0.7) },
  )
  await Promise.all(stores.map(({ end }) => end()))

  const opened = opens.at(-1)
  const name = stores.at(-1).name
  return [
    {
      title: 'The next of the pending jobs claimed, not synced',
      unit: 'ns',
      figures: stores.map(({ name }, i) => figure(name, pulls[i])),
      ratios: [ratio('time: many / 1,000', [pulls[1], pulls[0]], { target: { atMost: 2 } })],
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
