import { join } from 'node:path'
import { byTurns, startContender } from '../contender.mjs'
import { figure, ratio } from '../statistics.mjs'

/**
 * How many pairs make a round: some 2 ms of them, so that some rounds pass without an interruption even where other
 * processes want the machine.
 */
const CONTENDERS = [
  { name: 'C: read, write', way: null, pairs: 5000 },
  { name: 'addon: take, give', way: 'addon', pairs: 5000 },
  { name: 'client: tryAcquire, release', way: 'client', pairs: 5000 },
  { name: 'fs: readSync, writeSync', way: 'fs', pairs: 2000 },
  { name: 'dd for each acquire', way: 'dd', pairs: 1 },
  { name: 'await client.limit(fn), a token each', way: 'limit', pairs: 2000 },
  { name: "await client.limit(fn), slots of the process's own", way: 'limit-fallback', pairs: 2000 },
  { name: 'await p-limit(fn)', way: 'p-limit', pairs: 5000 },
]

export const token = {
  name: 'token',
  title: 'A token taken and given back',
  about: `A token is taken from a FIFO and given back, with nobody else wanting it. The C loop does the same read and write on the
same kind of FIFO, opened with O_NONBLOCK: nobody can be faster. Beside it stand Node's own \`readSync\` and \`writeSync\`,
which could not wait without polling; and a \`dd\` for each acquire, which is how a program without an addon reads one byte
with a blocking read that it can end.

\`client.limit\` is put next to p-limit, both with a slot at hand: with a token for each call, which p-limit has no need
of, and with slots of the process's own (\`fallback\`), which is the same work.`,
  measure,
}

/** One token taken and given back, nobody else wanting it. */
async function measure({ quick, dir, env, makeFifo, program, script, onProgress }) {
  const contenders = CONTENDERS.map(({ name, way, pairs }, i) => {
    const fifo = makeFifo(join(dir, `token-${i}`), 1)
    const argv = way === null ? [program('pair'), fifo] : [...script('pair.mjs'), way, fifo]
    return { ...startContender(name, argv, env), pairs }
  })
  const rounds = await byTurns(
    contenders.map(
      ({ ask, pairs }) =>
        async () =>
          Number(await ask(pairs)) / pairs,
    ),
    { rounds: quick ? 20 : 200, warmUp: 20, onProgress },
  )
  await Promise.all(contenders.map(({ end }) => end()))

  const [c, addon, client, fs, dd, limit, limitFallback, pLimit] = rounds
  return [
    {
      title: 'One token taken and given back on a FIFO',
      unit: 'ns',
      figures: contenders.map(({ name }, i) => figure(name, rounds[i])),
      ratios: [
        ratio('speed: client / C', [c, client], { target: { atLeast: 0.6 } }),
        ratio('speed: addon / C', [c, addon], { target: { atLeast: 0.75 } }),
        ratio('speed: client / fs', [fs, client]),
        ratio('speed: client / dd', [dd, client]),
        ratio('time: client.limit, a token each / p-limit', [limit, pLimit]),
        ratio("time: client.limit, process's own / p-limit", [limitFallback, pLimit]),
      ],
    },
  ]
}
