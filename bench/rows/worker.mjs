import { byTurns, startContender } from '../contender.mjs'
import { figure, ratio } from '../statistics.mjs'

const CALLS = [
  { name: 'worker: call and answer', means: 'worker' },
  { name: 'fork: message and message', means: 'fork' },
  { name: 'fork, advanced serialization', means: 'fork-advanced' },
]
const TIMES = 500

export const worker = {
  name: 'worker',
  title: 'Another process asked',
  about: `A call of a worker and its answer, next to a message to a child of \`child_process.fork\` and back, each with the same
small payload and nothing else to do. Then a shared worker from \`connectWorker\` to its first answer, in a program that runs
already, next to a whole \`node -e 0\`.`,
  measure,
}

/** What it takes to ask another process, and to have one to ask. */
async function measure({ quick, env, program, script, onProgress }) {
  const callers = CALLS.map(({ name, means }) => startContender(name, [...script('call.mjs'), means], env))
  const calls = await byTurns(
    callers.map(
      ({ ask }) =>
        async () =>
          Number(await ask(TIMES)),
    ),
    { rounds: quick ? 5 : 31, onProgress: (share) => onProgress(share / 2) },
  )
  await Promise.all(callers.map(({ end }) => end()))

  const node = startContender('node -e 0', [program('stopwatch'), 'none', process.execPath, '-e', '0'], env)
  const shared = startContender('shared worker: start to first answer', [...script('call.mjs'), 'start'], env)
  const starts = await byTurns(
    [async () => Number((await node.ask()).split(' ')[0]), async () => Number(await shared.ask(1))],
    { rounds: quick ? 7 : 31, onProgress: (share) => onProgress(0.5 + share / 2) },
  )
  await Promise.all([node.end(), shared.end()])

  return [
    {
      title: 'Another process asked, and its answer',
      unit: 'ns',
      figures: CALLS.map(({ name }, i) => figure(name, calls[i])),
      ratios: [
        ratio('time: worker / fork', [calls[0], calls[1]], { target: { atMost: 1.5 } }),
        ratio('time: worker / fork, advanced', [calls[0], calls[2]]),
      ],
    },
    {
      title: 'A shared worker started',
      unit: 'ns',
      figures: [node, shared].map(({ name }, i) => figure(name, starts[i])),
      ratios: [ratio('time: shared worker / node -e 0', [starts[1], starts[0]], { target: { atMost: 2.5 } })],
    },
  ]
}
