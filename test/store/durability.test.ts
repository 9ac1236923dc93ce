import { describe, expect, test } from 'vitest'
import { History } from './sim-history.ts'
import type { Faults } from './sim-machine.ts'

const first = Number(process.env.JOBSLOT_SEED ?? Math.floor(Math.random() * 1e6))
const count = process.env.JOBSLOT_SEED === undefined ? 25 : 1

async function histories(
  faults: Faults,
  steps: number,
): Promise<{ wrong: string[]; answered: number; failures: number }> {
  let answered = 0
  let failures = 0
  for (let seed = first; seed < first + count; seed++) {
    const history = new History(seed, faults)
    await history.run(steps)
    answered += history.answered
    failures += history.machine.failures
    if (history.wrong.length > 0) {
      return {
        wrong: [`JOBSLOT_SEED=${seed} npx vitest run test/store/durability`, ...history.wrong],
        answered,
        failures,
      }
    }
  }
  return { wrong: [], answered, failures }
}

describe('a disk that drops, keeps or garbles what was not synced', () => {
  test('loses nothing that was answered, and nothing comes that nobody asked for', async () => {
    const { wrong, answered } = await histories({}, 250)
    expect(wrong).toEqual([])
    expect(answered).toBeGreaterThan(count * 50)
  })

  test('nor does it when syncs fail', async () => {
    const { wrong, failures } = await histories({ failing: 0.05 }, 250)
    expect(wrong).toEqual([])
    expect(failures).toBeGreaterThan(count)
  })

  test('is noticed by these tests where nothing is synced', async () => {
    const { wrong } = await histories({ lying: true }, 250)
    expect(wrong).not.toEqual([])
  })
})
