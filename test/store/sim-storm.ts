import type { Storm } from '../torture/storm.ts'
import { SimClock } from './sim-clock.ts'
import { History } from './sim-history.ts'
import type { Faults } from './sim-machine.ts'

const STEPS = 250

/** One history, from the first to the last step. */
export async function runHistory(seed: number, faults: Faults): Promise<History> {
  const clock = new SimClock()
  try {
    const history = new History(seed, faults, clock)
    await history.run(STEPS)
    return history
  } finally {
    clock[Symbol.dispose]()
  }
}

/**
 * Histories of a store on a simulated disk, one seed after the other, with power cuts, kills and syncs that fail. In a
 * canary the disk says that it has synced, and has not. Unlike in all other storms the seed repeats everything.
 */
export async function diskStorm(storm: Storm): Promise<void> {
  storm.begin()
  for (let seed = storm.seed; !storm.isOver && storm.problems.length === 0; seed++) {
    const faults = storm.isCanary ? { lying: true } : { failing: seed % 2 === 0 ? 0.05 : 0 }
    const { machine, answered, kills, cuts, wrong } = await runHistory(seed, faults)
    storm.operations += answered
    storm.kills += kills + cuts
    storm.note('power cuts', cuts)
    storm.note('failed syncs', machine.failures)
    storm.note('histories')
    for (const problem of wrong) storm.check(false, `seed ${seed}: ${problem}`)
  }
}
