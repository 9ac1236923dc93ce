import { join } from 'node:path'
import { byTurns, startContender } from '../contender.mjs'
import { figure, ratio } from '../statistics.mjs'

const MIB = 1024 * 1024
const MOST_MS = 100

export const churn = {
  name: 'churn',
  title: 'A store in long use',
  about: `The most that a store takes on the disk while jobs come and go beside 20,000 that stay: it should be at most three times
what stays, and 16 MiB. Then the time from the SIGKILL of a worker to its job in the hands of another one that waits.`,
  measure,
}

/** What a store takes while jobs come and go, and how soon the job of a killed worker is another's. */
async function measure({ quick, dir, env, script, onProgress }) {
  const coming = startContender('jobs come and go', [...script('churn.mjs'), join(dir, 'churn')], env)
  const [uses] = await byTurns([async () => JSON.parse(await coming.ask(quick ? 20_000 : 50_000))], {
    rounds: quick ? 1 : 5,
    warmUp: 0,
    onProgress: (share) => onProgress(share / 2),
  })
  await coming.end()
  const name = 'SIGKILL to the job in other hands'
  const killed = startContender(name, [...script('killed.mjs'), join(dir, 'killed')], env)
  const [times] = await byTurns([async () => Number(await killed.ask(1))], {
    rounds: quick ? 5 : 15,
    onProgress: (share) => onProgress(0.5 + share / 2),
  })
  await killed.end()

  const most = uses.map(({ most }) => most / MIB)
  const staying = uses.map(({ staying }) => staying / MIB)
  return [
    {
      title: 'The disk that a store takes under churn, at most',
      unit: 'MiB',
      figures: [figure('at most', most), figure('what stays', staying)],
      ratios: [
        ratio('at most / 3 times what stays + 16 MiB', [most, staying], {
          formula: (most, staying) => most / (3 * staying + 16),
          target: { atMost: 1 },
        }),
      ],
    },
    {
      title: "A killed worker's job handed out again",
      unit: 'ns',
      figures: [figure(name, times)],
      ratios: [
        ratio(`time / ${MOST_MS} ms`, [times], { formula: (ns) => ns / (MOST_MS * 1e6), target: { atMost: 1 } }),
      ],
    },
  ]
}
