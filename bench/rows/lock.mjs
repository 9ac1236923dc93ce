import { join } from 'node:path'
import { byTurns, startContender } from '../contender.mjs'
import { figure, ratio } from '../statistics.mjs'

const CONTENDERS = [
  { name: 'jobslot: tryLock, release', way: 'jobslot', pairs: 500 },
  { name: 'jobslot: tryLockFile, release', way: 'jobslot-file', pairs: 300 },
  { name: 'fs-native-extensions: tryLock, unlock', way: 'fs-native-extensions', pairs: 2000 },
  { name: 'proper-lockfile: lockSync, release', way: 'proper-lockfile', pairs: 20 },
]

export const lock = {
  name: 'lock',
  title: 'A lock taken and given back',
  about: `With nobody else wanting it. fs-native-extensions locks and unlocks a descriptor that stays open, and keeps no record of
who holds it; proper-lockfile makes and removes a folder, and has nothing that tells it of a holder's death but a time.`,
  measure,
}

/** A lock taken and given back, nobody else wanting it. */
async function measure({ quick, dir, env, script, onProgress }) {
  const contenders = CONTENDERS.map(({ name, way, pairs }) => ({
    ...startContender(name, [...script('lock.mjs'), way, join(dir, way)], env),
    pairs,
  }))
  const rounds = await byTurns(
    contenders.map(
      ({ ask, pairs }) =>
        async () =>
          Number(await ask(pairs)) / pairs,
    ),
    { rounds: quick ? 20 : 200, warmUp: 50, onProgress },
  )
  await Promise.all(contenders.map(({ end }) => end()))

  const [jobslot, , native, proper] = rounds
  return [
    {
      title: 'One lock taken and given back',
      unit: 'ns',
      figures: contenders.map(({ name }, i) => figure(name, rounds[i])),
      ratios: [
        ratio('speed: jobslot / proper-lockfile', [proper, jobslot], { target: { atLeast: 20 } }),
        ratio('speed: jobslot / fs-native-extensions', [native, jobslot], { target: { atLeast: 0.25 } }),
      ],
    },
  ]
}
