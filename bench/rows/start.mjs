import { join } from 'node:path'
import { byTurns, startContender } from '../contender.mjs'
import { figure, ratio } from '../statistics.mjs'

/** What a command costs by being run in a slot. */
export async function start({ quick, dir, env, makeFifo, program, script, cli, onProgress }) {
  const fifo = makeFifo(join(dir, 'jobserver'), 0)
  const acquire = [...cli, 'acquire', '--', 'true']
  const contenders = [
    { name: 'node -e 0', argv: [process.execPath, '-e', '0'] },
    { name: 'Node script that spawns true, CommonJS', argv: [...script('spawn-true.cjs')] },
    { name: 'Node script that spawns true, ES module', argv: [...script('spawn-true.mjs')] },
    { name: 'acquire -- true, FIFO jobserver', argv: acquire, jobserver: `fifo:${fifo}` },
    { name: 'acquire -- true, pipe jobserver', argv: acquire, jobserver: 'pipe' },
    { name: 'acquire -- true, no jobserver', argv: acquire },
    { name: 'flock FILE true', argv: ['flock', join(dir, 'lock'), 'true'] },
  ].map(({ name, argv, jobserver = 'none' }) => startContender(name, [program('stopwatch'), jobserver, ...argv], env))
  const rounds = await byTurns(
    contenders.map(
      ({ ask }) =>
        async () =>
          (await ask()).split(' ').map(Number),
    ),
    { rounds: quick ? 7 : 31, onProgress },
  )
  await Promise.all(contenders.map(({ end }) => end()))

  return [
    { title: 'A command run in a slot: wall-clock time', place: 0, target: { atMost: 1.4 } },
    { title: 'A command run in a slot: processor time', place: 1, target: null },
  ].map(({ title, place, target }) => {
    const times = rounds.map((round) => round.map((figures) => figures[place]))
    const [node, commonJs, esModule, underFifo, underPipe, underNone] = times
    return {
      title,
      unit: 'ns',
      figures: contenders.map(({ name }, i) => figure(name, times[i])),
      ratios: [
        ratio('time: acquire, FIFO / node -e 0', [underFifo, node], { target }),
        ratio('time: acquire, pipe / node -e 0', [underPipe, node], { target }),
        ratio('time: acquire, none / node -e 0', [underNone, node], { target }),
        ratio('time: acquire, FIFO / CommonJS script', [underFifo, commonJs]),
        ratio('time: CommonJS script / node -e 0', [commonJs, node]),
        ratio('time: ES module script / node -e 0', [esModule, node]),
      ],
    }
  })
}
