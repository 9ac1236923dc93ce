import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { distinctTokens, namedJobserver, pipeJobserver, sortedHex } from '../support/jobserver.ts'
import { run, tempDir } from '../support/processes.ts'
import { built } from './program.ts'

const seconds = Number(process.env.STORM_SECONDS ?? 15)
const tokens = distinctTokens(6)

describe('eight processes that do all a client can do, and end in every way', { retry: 0 }, () => {
  const storms = [
    { through: 'a pipe', way: 'any', make: () => pipeJobserver(tokens), lasts: seconds },
    { through: 'a FIFO', way: 'any', make: () => namedJobserver(join(tempDir(), 'jobserver'), tokens), lasts: seconds },
    { through: 'a description of its own', way: 'own', make: () => pipeJobserver(tokens), lasts: seconds / 2 },
    { through: 'splice', way: 'splice', make: () => pipeJobserver(tokens), lasts: seconds / 2 },
    { through: 'a parked read', way: 'parked', make: () => pipeJobserver(tokens), lasts: seconds / 2 },
  ]

  test.for(storms)('leave every token as it was: through $through', { timeout: 600_000 }, async (storm) => {
    const seed = Number(process.env.STORM_SEED ?? Math.floor(Math.random() * 2 ** 31))
    console.log(`storm through ${storm.through}: STORM_SEED=${seed} repeats its choices, STORM_SECONDS its length`)
    const jobserver = storm.make()
    const driver = join(import.meta.dirname, 'storm.mjs')
    const argv = [process.execPath, driver, built(), storm.way, String(seed), String(storm.lasts)]
    const result = await run(jobserver.around(argv), { timeout: (storm.lasts + 60) * 1000 })
    expect(result).toMatchObject({ code: 0, stderr: '' })
    const { ends, problems } = JSON.parse(result.stdout)
    expect(problems).toEqual([])

    const { tokens: left, flagsBefore, flagsAfter } = jobserver.report()
    expect(left).toBe(sortedHex(tokens))
    expect(flagsAfter).toEqual(flagsBefore)
    console.log(`it ended: ${JSON.stringify(ends)}`)
    // Which ends come is up to chance and the machine; most of the six have to, or the storm was none.
    expect(Object.keys(ends).length).toBeGreaterThanOrEqual(storm.lasts < 10 ? 1 : 3)
  })
})
