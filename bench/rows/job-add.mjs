import { join } from 'node:path'
import { byTurns, startContender } from '../contender.mjs'
import { figure, ratio } from '../statistics.mjs'

const FEW = 10
const AT_ONCE = 10_000

export const jobAdd = {
  name: 'job-add',
  title: 'A job queued from a shell',
  about: `\`jobslot job add\` next to \`node -e 0\`, in a store with ten pending jobs and in one with very many. It looks at the
journal's end and at nothing else; of its time, a write that waits for the disk is a part that no program can do without.`,
  measure,
}

/** What it costs to queue a job from a shell, by how many there are already. */
async function measure({ quick, dir, env, program, cli, onProgress }) {
  const many = quick ? 100_000 : 1_000_000
  const [few, full] = [join(dir, 'few'), join(dir, 'full')]
  await fill(few, FEW)
  await fill(full, many)
  const add = [...cli, 'job', 'add', '{"file":"a.txt"}', '--dir']
  const contenders = [
    { name: 'node -e 0', argv: [process.execPath, '-e', '0'] },
    { name: `job add, ${FEW} pending`, argv: [...add, few] },
    { name: `job add, ${many} pending`, argv: [...add, full] },
  ].map(({ name, argv }) => startContender(name, [program('stopwatch'), 'none', ...silent(argv)], env))
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
    { title: 'A job queued by a command: wall-clock time', place: 0, target: { atMost: 1.1 } },
    { title: 'A job queued by a command: processor time', place: 1, target: null },
  ].map(({ title, place, target }) => {
    const times = rounds.map((round) => round.map((figures) => figures[place]))
    const [node, withFew, withMany] = times
    return {
      title,
      unit: 'ns',
      figures: contenders.map(({ name }, i) => figure(name, times[i])),
      ratios: [
        ratio(`time: ${many} pending / ${FEW} pending`, [withMany, withFew], { target }),
        ratio('time: job add / node -e 0', [withFew, node]),
      ],
    }
  })
}

/** The stopwatch answers on the output that the command has. */
const silent = (argv) => ['sh', '-c', 'exec "$@" >/dev/null', 'sh', ...argv]

async function fill(dir, jobs) {
  const { JobStore } = await import('../../dist/store.js')
  const store = await JobStore.open({ dir, durability: 'os' })
  for (let done = 0; done < jobs; done += AT_ONCE) {
    const requests = Array.from({ length: Math.min(AT_ONCE, jobs - done) }, (_, i) => ({ file: `${done + i}.txt` }))
    await store.createMany(requests)
  }
  await store.close()
}
