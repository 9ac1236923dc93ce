import { describe, expect, test } from 'vitest'
import { stormSeed } from '../torture/seed.ts'
import { Storm } from '../torture/storm.ts'
import { lockStorm, nativeLockStorm } from './storm.ts'

const told = 'deaths told to the next holder'

// That the checker finds out those who lock nothing, test/torture sees.
describe('twelve processes that take locks in every way, and are killed', { retry: 0, timeout: 600_000 }, () => {
  test('never hold what another holds, wait for nobody, and leave nothing untold', async () => {
    const storm = new Storm({ seed: stormSeed('locks'), ms: 25_000 })
    await lockStorm(storm)
    expect(storm.problems).toEqual([])
    expect(storm.operations).toBeGreaterThan(500)
    expect(storm.notes[told]).toBeGreaterThan(8)
  })

  test('the same without Node, killed every few milliseconds', async () => {
    const storm = new Storm({ seed: stormSeed('locks'), ms: 6000 })
    await nativeLockStorm(storm)
    expect(storm.problems).toEqual([])
    expect(storm.kills).toBeGreaterThan(150)
    expect(storm.notes[told]).toBeGreaterThan(15)
  })
})
