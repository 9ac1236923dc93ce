import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Faults } from './sim-machine.ts'
import { runHistory } from './sim-storm.ts'

// JOBSLOT_SEED=N begins with that history, JOBSLOT_SEEDS=N runs so many; npm run torture -- --only disk runs them for as long as
// wanted.
const { JOBSLOT_SEED, JOBSLOT_SEEDS } = process.env
const first = Number(JOBSLOT_SEED ?? Math.floor(Math.random() * 1e6))
const count = Number(JOBSLOT_SEEDS ?? (JOBSLOT_SEED === undefined ? 25 : 1))

async function histories(faults: Faults): Promise<{ wrong: string[]; answered: number; failures: number }> {
  const wrong: string[] = []
  let answered = 0
  let failures = 0
  for (let seed = first; seed < first + count && wrong.length === 0; seed++) {
    const { machine, ...found } = await runHistory(seed, faults)
    answered += found.answered
    failures += machine.failures
    if (found.wrong.length > 0) wrong.push(`JOBSLOT_SEED=${seed} npx vitest run test/store/durability`, ...found.wrong)
  }
  return { wrong, answered, failures }
}

// As long as it takes: a slow machine has as much to go through.
describe('a disk that drops, keeps or garbles what was not synced', { timeout: 240_000 }, () => {
  test('loses nothing that was answered, and nothing comes that nobody asked for', async () => {
    const { wrong, answered } = await histories({})
    expect(wrong).toEqual([])
    expect(answered).toBeGreaterThan(count * 50)
  })

  test('nor does it when syncs fail', async () => {
    const { wrong, failures } = await histories({ failing: 0.05 })
    expect(wrong).toEqual([])
    expect(failures).toBeGreaterThan(count)
  })

  test('is noticed by these tests where nothing is synced', async () => {
    const { wrong } = await histories({ lying: true })
    expect(wrong).not.toEqual([])
  })

  test('is the same disk for the same seed', async () => {
    const outcome = async () => {
      const { machine, answered } = await runHistory(first, { failing: 0.05 })
      const hash = createHash('sha1')
      for (const [name, { cached }] of machine.folder) hash.update(name).update(cached)
      return { answered, hash: hash.digest('hex') }
    }
    expect(await outcome()).toEqual(await outcome())
  })
})
