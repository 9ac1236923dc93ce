import { join } from 'node:path'
import {
  distinctTokens,
  type JobserverCommand,
  namedJobserver,
  pipeJobserver,
  sortedHex,
} from '../support/jobserver.ts'
import { start, tempDir } from '../support/processes.ts'
import type { Storm } from '../torture/storm.ts'
import { built } from './program.ts'

const tokens = distinctTokens(6)

/** What a storm's clients draw from, and how. */
export interface Through {
  through: string
  way: 'any' | 'own' | 'splice' | 'parked'
  make(): JobserverCommand
}

export const throughAll: readonly Through[] = [
  { through: 'a pipe', way: 'any', make: () => pipeJobserver(tokens) },
  { through: 'a FIFO', way: 'any', make: () => namedJobserver(join(tempDir(), 'jobserver'), tokens) },
  { through: 'a description of its own', way: 'own', make: () => pipeJobserver(tokens) },
  { through: 'splice', way: 'splice', make: () => pipeJobserver(tokens) },
  { through: 'a parked read', way: 'parked', make: () => pipeJobserver(tokens) },
]

interface Said {
  /** How they ended, and how often so. */
  ends: Record<string, number>
  /** Signals sent. */
  signals: number
  asked: number
  problems: string[]
}

/**
 * Eight clients of a jobserver that do all a client can do, and end in every way but SIGKILL, which takes a token with it
 * in any jobserver (a pool is for that). Afterwards every token is there, as the byte it was. Returns how they ended.
 */
export async function clientStorm(storm: Storm, { way, make }: Through): Promise<string[]> {
  const jobserver = make()
  const driver = join(import.meta.dirname, 'storm.mjs')
  const words = [built(), way, String(storm.seed), String(storm.ms / 1000), String(storm.isCanary)]
  storm.begin()
  const running = start(jobserver.around([process.execPath, driver, ...words]), { timeout: storm.ms + 180_000 })
  const { code, stdout, stderr } = await running.result
  storm.check(code === 0 && stderr === '', `the storm ended with ${code}: ${stderr}`)
  const { ends, signals, asked, problems } = JSON.parse(stdout) as Said
  for (const problem of problems) storm.check(false, problem)
  storm.kills += signals
  storm.operations += asked
  const { tokens: left, flagsBefore, flagsAfter } = jobserver.report()
  storm.check(left === sortedHex(tokens), `the tokens were ${sortedHex(tokens)} and are ${left}`)
  storm.check(`${flagsAfter}` === `${flagsBefore}`, `the flags were ${flagsBefore} and are ${flagsAfter}`)
  for (const [end, times] of Object.entries(ends)) storm.note(`ended by ${end}`, times)
  return Object.keys(ends)
}
