import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cli } from '../support/cli.ts'
import { run, tempDir } from '../support/processes.ts'
import { requireTool, type Skippable } from '../support/tools.ts'
import { quietNpm, withPackage } from './npx.ts'
import { newState } from './state.ts'

/**
 * In a recipe without `+`, make 4.3 closes its jobserver's descriptors and still names their numbers. Whatever a Node
 * program has at those numbers, its own pipes above all, is not taken for a jobserver.
 */

const probe = join(import.meta.dirname, 'fixtures/probe.mjs')
const lowest = 3
const highest = 30
const limit = 4

/** Runs a shell command as a recipe without `+` under make 4.3. */
async function inRecipe(command: string, ctx: Skippable, dir = tempDir()): Promise<string> {
  writeFileSync(join(dir, 'Makefile'), `all:\n\t@${command}\n`)
  const argv = [requireTool('make43', ctx), `-j${limit}`]
  const result = await run(argv, { cwd: dir, env: { ...quietNpm, ...newState().env }, timeout: 55_000 })
  // Had anybody read a token, make would complain of it.
  expect(result).toMatchObject({ code: 0, stderr: '' })
  return result.stdout
}

interface Probed {
  read: number
  write: number
  code: string | null
  /** For each slot that could be had: whether it was the implicit one. */
  slots: boolean[]
  ends: [End | null, End | null]
}

interface End {
  target: string
  mode: 0 | 1 | 2
}

/** What is wrong with the two as a jobserver's ends, by what /proc says of them. */
function problemOf([read, write]: Probed['ends']): string {
  if (!read || !write) return 'CLOSED_DESCRIPTOR'
  if (![read, write].every(({ target }) => target.startsWith('pipe:'))) return 'NOT_A_PIPE'
  if (read.target !== write.target) return 'UNEQUAL_ENDS'
  if (read.mode === 1 || write.mode === 0) return 'WRONG_DIRECTION'
  return 'FOREIGN_PIPE'
}

test('connect() finds the right fault with every two numbers', async (ctx) => {
  const stdout = await inRecipe(`${process.execPath} ${probe} ${lowest} ${highest}`, ctx)
  const probed: Probed[] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(probed).toHaveLength((highest - lowest + 1) ** 2)
  for (const { read, write, code, slots, ends } of probed) {
    const where = `${read},${write}: ${JSON.stringify(ends)}`
    expect(code, where).toBe(`ERR_JOBSLOT_${problemOf(ends)}`)
    expect(slots, where).toEqual([true])
  }
  // Node has pipes of its own there; or else this would prove nothing.
  expect(probed.map(({ code }) => code)).toContain('ERR_JOBSLOT_FOREIGN_PIPE')
})

describe('doctor finds a fault with each two neighbours', () => {
  interface Diagnosed {
    auth: string
    usable: boolean
    code: string
  }

  /** A shell loop over each two numbers; `around` puts something between the recipe and the loop. */
  async function diagnose(jobslot: string, around: (loop: string) => string, ctx: Skippable): Promise<void> {
    const pairs = Array.from({ length: highest - lowest }, (_, i) => `${lowest + i},${lowest + i + 1}`)
    const loop = `for auth in ${pairs.join(' ')}; do MAKEFLAGS=" -j8 --jobserver-auth=$$auth" ${jobslot} doctor --json; done`
    const stdout = await inRecipe(around(loop), ctx, withPackage())
    const found = stdout.split(/^(?=\{)/m).map((text) => (JSON.parse(text) as { jobserver: Diagnosed }).jobserver)
    expect(found.map(({ auth }) => auth)).toEqual(pairs)
    expect(found.filter(({ usable }) => usable)).toEqual([])
  }

  test('in its own process', (ctx) => diagnose(cli.join(' '), (loop) => loop, ctx))

  // Behind npx jobslot looks at npx's descriptors too, and npx is a Node with pipes of its own.
  test('in npx above it', (ctx) => diagnose('jobslot', (loop) => `npx --no-install -c '${loop}'`, ctx))
})
