import { join } from 'node:path'
import { byTurns, startContender } from '../contender.mjs'
import { figure, ratio } from '../statistics.mjs'

const CONTENDERS = [
  { name: 'client: acquire', way: 'client' },
  { name: 'client: acquireSync', way: 'client-sync' },
  { name: 'tryAcquire each 10 ms', way: 'polling' },
  { name: 'timer alone, no slot wanted', way: 'nothing' },
]

export const wait = {
  name: 'wait',
  title: 'What waiting costs',
  about: `The processor time of a process that waits for a token that does not come, and how often it went to sleep anew, next
to one that asks each 10 ms and to one that waits for a timer. All wait at the same time. The start of the waiting
thread is included.`,
  measure,
}

/** What waiting for a token costs that does not come. */
async function measure({ quick, dir, env, makeFifo, script, onProgress }) {
  const ms = quick ? 1000 : 5000
  const contenders = CONTENDERS.map(({ name, way }, i) => {
    const fifo = makeFifo(join(dir, `empty-${i}`), 0)
    return startContender(name, [...script('wait.mjs'), way, fifo], env)
  })
  // All at the same time: they hardly use the processor, and what each uses is its own account.
  const together = () => Promise.all(contenders.map(async ({ ask }) => JSON.parse(await ask(ms))))
  const [rounds] = await byTurns([together], { rounds: quick ? 1 : 3, warmUp: 0, onProgress })
  await Promise.all(contenders.map(({ end }) => end()))

  const of = (what) => contenders.map((_, i) => rounds.map((round) => round[i][what]))
  const [client, , polling, timer] = of('cpu')
  return [
    {
      title: `Waiting ${ms / 1000} s for a token: processor time`,
      unit: 'ns',
      figures: contenders.map(({ name }, i) => figure(name, of('cpu')[i])),
      ratios: [
        ratio('time: client / 2 ms for each second', [client], {
          formula: (ns) => ns / (ms * 2000),
          target: { atMost: 1 },
        }),
        ratio('time: polling / client', [polling, client]),
        ratio('time: client / timer alone', [client, timer]),
      ],
    },
    {
      title: `Waiting ${ms / 1000} s for a token: how often the process slept anew`,
      unit: '',
      figures: contenders.map(({ name }, i) => figure(name, of('wakes')[i])),
      ratios: [],
    },
  ]
}
