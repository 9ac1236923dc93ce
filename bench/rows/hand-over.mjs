import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { byTurns, startContender } from '../contender.mjs'
import { figure, median, quantile, ratio } from '../statistics.mjs'

const CONTENDERS = [
  { name: 'byte over a Unix socket, half of there and back', means: 'socket', pace: 'busy', times: 1000 },
  { name: 'token, half of there and back', means: 'tokens', pace: 'busy', times: 1000 },
  { name: 'byte over a Unix socket, after a rest', means: 'socket', pace: 'idle', times: 150 },
  { name: 'token, after a rest', means: 'tokens', pace: 'idle', times: 150 },
]

export const handOver = {
  name: 'hand-over',
  title: 'A token handed to a process that waits',
  about: `From one Node process's \`release\` to another's waiting \`acquire\`, next to a byte over a Unix socket between two Node
processes. First as half of there and back without a rest, where neither process falls asleep for long. Then one way
after both have slept for a millisecond, as a waiter usually has; both processes read the same clock.`,
  measure,
}

/** From one Node process's `release` until another's waiting `acquire` has it. */
async function measure({ quick, dir, env, makeFifo, script, onProgress }) {
  const contenders = CONTENDERS.map(({ name, means, pace, times }) => {
    const own = join(dir, `${means}-${pace}`)
    mkdirSync(own)
    if (means === 'tokens') for (const way of ['there', 'back']) makeFifo(join(own, way), times)
    return { ...startContender(name, [...script('handover.mjs'), means, pace, own], env), times }
  })
  const rounds = await byTurns(
    contenders.map(
      ({ ask, times }) =>
        async () =>
          JSON.parse(await ask(times)),
    ),
    { rounds: quick ? 3 : 9, onProgress },
  )
  await Promise.all(contenders.map(({ end }) => end()))

  const [socket, tokens, restedSocket, restedTokens] = rounds.map((times) => times.map(median))
  return [
    {
      title: 'A token handed from one process to another that waits for it',
      unit: 'ns',
      figures: contenders.map(({ name }, i) => {
        const times = rounds[i].flat()
        return { ...figure(name, times), p99: quantile(times, 0.99) }
      }),
      ratios: [
        ratio('time: token / byte', [tokens, socket], { target: { atMost: 3 } }),
        ratio('time: token / byte, after a rest', [restedTokens, restedSocket]),
      ],
    },
  ]
}
