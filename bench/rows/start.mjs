import { join } from 'node:path'
import { byTurns, startContender } from '../contender.mjs'
import { figure, ratio } from '../statistics.mjs'

export const start = {
  name: 'start',
  title: 'A command run in a slot, or under a lock',
  about: `What a command costs by being run in a slot: \`jobslot acquire -- true\` next to \`node -e 0\` and to a bare Node
script that does nothing but spawn \`true\`, which is what any Node program pays that starts another; under a FIFO
jobserver and under a pipe; without one it takes a slot of a pool, which is measured there. \`jobslot lock\` stands
next to \`flock(1)\`, which costs the same without Node, and to GNU parallel's \`sem\`, which is a Perl program.
Processor time stands in a table of its own: it suffers less from a busy machine.`,
  measure,
}

/** What a command costs by being run in a slot. */
async function measure({ quick, dir, env, makeFifo, hasTool, program, script, cli, onProgress }) {
  const fifo = makeFifo(join(dir, 'jobserver'), 0)
  const acquire = [...cli, 'acquire', '--', 'true']
  const contenders = [
    { name: 'node -e 0', argv: [process.execPath, '-e', '0'] },
    { name: 'Node script that spawns true, CommonJS', argv: [...script('spawn-true.cjs')] },
    { name: 'Node script that spawns true, ES module', argv: [...script('spawn-true.mjs')] },
    { name: 'acquire -- true, FIFO jobserver', argv: acquire, jobserver: `fifo:${fifo}` },
    { name: 'acquire -- true, pipe jobserver', argv: acquire, jobserver: 'pipe' },
    { name: 'lock NAME -- true', argv: [...cli, 'lock', 'bench', '--', 'true'] },
    { name: 'flock FILE true', tool: 'flock', argv: ['flock', join(dir, 'lock'), 'true'] },
    { name: 'sem --fg true', tool: 'sem', argv: ['sem', '--fg', '--id', 'jobslot-bench', 'true'] },
  ]
    .filter(({ tool }) => tool === undefined || hasTool(tool))
    .map(({ name, argv, jobserver = 'none' }) =>
      // Where sem keeps its locks.
      startContender(name, [program('stopwatch'), jobserver, ...argv], {
        ...env,
        PARALLEL_HOME: join(dir, 'parallel'),
      }),
    )
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
    const [node, commonJs, esModule, underFifo, underPipe, locked] = times
    const beside = contenders
      .map(({ name }, i) => ({ name, times: times[i] }))
      .filter(({ name }) => /^(flock|sem) /.test(name))
    return {
      title,
      unit: 'ns',
      figures: contenders.map(({ name }, i) => figure(name, times[i])),
      ratios: [
        ratio('time: acquire, FIFO / node -e 0', [underFifo, node], { target }),
        ratio('time: acquire, pipe / node -e 0', [underPipe, node], { target }),
        ratio('time: acquire, FIFO / CommonJS script', [underFifo, commonJs]),
        ratio('time: CommonJS script / node -e 0', [commonJs, node]),
        ratio('time: ES module script / node -e 0', [esModule, node]),
        ...beside.map(({ name, times }) => ratio(`time: lock / ${name.split(' ')[0]}`, [locked, times])),
      ],
    }
  })
}
