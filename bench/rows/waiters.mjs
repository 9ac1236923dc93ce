import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startContender } from '../contender.mjs'
import { point, ratio } from '../statistics.mjs'

/** Until all have gone to sleep again. */
const REST_MS = 5

const SERIES = [
  { thing: 'token', name: 'jobslot: client.acquire', way: 'token' },
  { thing: 'token', name: 'C: read', way: 'fifo', isC: true },
  { thing: 'lock', name: 'jobslot: lock', way: 'lock' },
  { thing: 'lock', name: 'fs-native-extensions: waitForLock', way: 'fs-native-extensions' },
  { thing: 'lock', name: 'C: flock(2)', way: 'flock', isC: true },
]

export const waiters = {
  name: 'waiters',
  title: 'Handed over, while others wait too',
  about: `From the moment before the holder of the only token, or of the lock, gives it back, to the moment at which one of those
has it that wait: by how many processes wait, each of which is a program of its own. The C programs do nothing but wait in
the kernel, in a blocking \`read\` or in \`flock\`: who comes next is its choice. So it is with jobslot's tokens, by
the jobserver's protocol; jobslot's locks are given in the order of arrival.`,
  measure,
}

async function measure({ quick, dir, env, makeFifo, program, script, onProgress }) {
  const counts = quick ? [1, 8] : [1, 4, 16, 64]
  const measured = { token: [], lock: [] }
  const all = counts.flatMap((count) => SERIES.map((series) => ({ count, ...series })))
  for (const [i, { thing, name, way, isC, count }] of all.entries()) {
    const path = join(dir, `${way}-${count}`)
    if (thing === 'token') makeFifo(path, 1)
    const argv = isC ? [program('taker'), way, path] : [...script('taker.mjs'), way, path]
    const takers = Array.from({ length: count + 1 }, () => startContender(name, argv, env))
    const times = await handOvers(takers, quick ? 10 : 60)
    measured[thing].push({ name, count, times })
    onProgress((i + 1) / all.length)
  }
  return [
    table('A token handed over, by the number of waiting processes', 'token', measured.token),
    table('A lock handed over, by the number of waiting processes', 'lock', measured.lock),
  ]
}

function table(title, thing, measured) {
  const mine = measured.filter(({ name }) => name === measured[0].name)
  const [few, many] = [mine[0], mine.at(-1)]
  return {
    title,
    unit: 'ns',
    figures: measured.map(({ name, count, times }) => point(name, count, times)),
    curve: { file: `hand-over-${thing}`, x: 'processes that wait', y: 'time to the next holder' },
    ratios: [ratio(`time: ${many.count} waiting / ${few.count} waiting`, [many.times, few.times])],
  }
}

/** Whoever has given it back waits again, so that always as many wait. */
async function handOvers(takers, rounds) {
  const waiting = new Map()
  const wait = (taker) =>
    waiting.set(
      taker,
      taker.ask('take').then((at) => ({ taker, at: Number(at) })),
    )
  const next = async () => {
    const winner = await Promise.race(waiting.values())
    waiting.delete(winner.taker)
    return winner
  }
  for (const taker of takers) wait(taker)
  let { taker: holder } = await next()
  const times = []
  for (let round = -2; round < rounds; round++) {
    await sleep(round < 0 ? 40 * REST_MS : REST_MS)
    const given = Number(await holder.ask('give'))
    const winner = await next()
    if (round >= 0) times.push(winner.at - given)
    wait(holder)
    holder = winner.taker
  }
  // All that wait get it once more: none ends while it does.
  for (;;) {
    await holder.ask('give')
    if (waiting.size === 0) break
    holder = (await next()).taker
  }
  await Promise.all(takers.map(({ end }) => end()))
  return times
}
