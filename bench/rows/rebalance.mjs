import { byTurns, startContender } from '../contender.mjs'
import { point, ratio } from '../statistics.mjs'

export const rebalance = {
  name: 'rebalance',
  title: 'A pool of many members shared out anew',
  about: `Each member of a pool has a slot, and waits in its jobserver's FIFO for a second one. Then the pool gets as many more
slots as it has members: the time from then on until half of the members have theirs, and until the last one has. The
broker writes each slot down in its ledger before it puts the token into the member's FIFO.`,
  measure,
}

async function measure({ quick, env, program, script, onProgress }) {
  const counts = quick ? [2, 16] : [2, 8, 32, 128, 200]
  const measured = []
  for (const [i, count] of counts.entries()) {
    const pool = startContender(`${count} members`, [...script('rebalance.mjs'), String(count), program('taker')], env)
    const [rounds] = await byTurns([async () => JSON.parse(await pool.ask())], {
      rounds: quick ? 3 : 11,
      onProgress: (share) => onProgress((i + share) / counts.length),
    })
    await pool.end()
    const times = (what) => rounds.map((round) => round[what])
    measured.push({ count, last: times('last'), half: times('half') })
  }
  const [few, many] = [measured[0], measured.at(-1)]
  return [
    {
      title: 'A second slot for each member, by the number of members',
      unit: 'ns',
      figures: [
        ...measured.map(({ count, last }) => point('the last one', count, last)),
        ...measured.map(({ count, half }) => point('half of the members', count, half)),
      ],
      curve: { file: 'rebalance', x: 'members', y: 'time to the second slot' },
      ratios: [ratio(`time: ${many.count} members / ${few.count} members`, [many.last, few.last])],
    },
  ]
}
