import { expect, test } from 'vitest'
import { requireTool } from '../support/tools.ts'
import { stormSeed } from '../torture/seed.ts'
import { Storm } from '../torture/storm.ts'
import { killStorm } from './kill-storm.ts'

const ms = 45_000

test('nothing that dies takes a slot with it', { timeout: ms + 120_000, retry: 0 }, async (ctx) => {
  const tools = {
    make43: requireTool('make43', ctx),
    make44: requireTool('make44', ctx),
    ninja: requireTool('ninja113', ctx),
  }
  const storm = new Storm({ seed: stormSeed('pool'), ms })
  await killStorm(storm, tools)
  expect(storm.problems).toEqual([])
  expect(storm.operations).toBeGreaterThan(ms / 60)
  expect(storm.kills).toBeGreaterThan(ms / 400)
})
