import { describe, expect, test } from 'vitest'
import { stormSeed } from '../torture/seed.ts'
import { Storm } from '../torture/storm.ts'
import { clientStorm, throughAll } from './storm.ts'

describe('eight processes that do all a client can do, and end in every way', { retry: 0 }, () => {
  test.for(throughAll)('leave every token as it was: through $through', { timeout: 120_000 }, async (through) => {
    const ms = through.way === 'any' ? 12_000 : 6000
    const storm = new Storm({ seed: stormSeed('tokens'), ms })
    const ends = await clientStorm(storm, through)
    expect(storm.problems).toEqual([])
    expect(storm.operations).toBeGreaterThan(20)
    // Which ends come is up to chance and the machine; most of the six have to, or the storm was none.
    expect(ends.length).toBeGreaterThanOrEqual(ms < 10_000 ? 1 : 3)
  })
})
