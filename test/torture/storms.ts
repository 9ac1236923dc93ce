import { signalStorm } from '../cli/signal-storm.ts'
import { clientStorm, throughAll } from '../client/storm.ts'
import { documentStorm } from '../document/storm.ts'
import { lockStorm, nativeLockStorm } from '../lock/storm.ts'
import { killStorm } from '../pool/kill-storm.ts'
import { jobStorm } from '../store/job-storm.ts'
import { diskStorm } from '../store/sim-storm.ts'
import { findTool, requireTool, type Skippable } from '../support/tools.ts'
import { workerStorm } from '../worker/storm.ts'
import type { Storm } from './storm.ts'

interface Kind {
  /** What is done, for the help and the report. */
  about: string
  /** What is counted as killed, and as an operation. */
  counts: readonly [kills: string, operations: string]
  /** What the checker says of the fault that a canary plants. */
  finds: RegExp
  run(storm: Storm): Promise<unknown>
}

/** Where a storm has several grounds the seed says which: the next one's is the next. */
const turn = <T>(storm: Storm, choices: readonly T[]): T => choices[storm.seed % choices.length] as T

/** What is missing ends the storm. */
const none = {
  skip(message?: unknown) {
    throw new Error(String(message))
  },
} as Skippable

const tools = () => ({
  make43: requireTool('make43', none),
  make44: requireTool('make44', none),
  ninja: requireTool('ninja113', none),
  cargo: findTool('cargo'),
  gcc: findTool('gcc'),
})

/** All storms, by their names. */
export const storms = {
  pool: {
    about:
      'a pool with make, ninja, cargo, gcc, Node and commands of jobslot as members; any of these, and brokers, killed',
    counts: ['SIGKILL', 'jobs run'],
    finds: /jobs ran at once/,
    run: (storm) => killStorm(storm, tools()),
  },
  tokens: {
    about: 'clients of a plain jobserver, a pipe or a FIFO, that take slots in every way and end in every way',
    counts: ['signals', 'slots asked for'],
    finds: /the tokens were/,
    run: (storm) => clientStorm(storm, turn(storm, throughAll)),
  },
  signals: {
    about: 'jobslot run and acquire under a jobserver, ended by signals at any time of their lives',
    counts: ['signals', 'commands run'],
    finds: /the tokens were/,
    run: signalStorm,
  },
  locks: {
    about: 'holders, sharers and waiters of locks killed; in turns in Node, and in C++ for more kills',
    counts: ['SIGKILL', 'locks taken'],
    finds: /both hold/,
    run: (storm) => (storm.isCanary ? lockStorm(storm) : turn(storm, [lockStorm, nativeLockStorm])(storm)),
  },
  documents: {
    about: 'writers of one document killed in mid-update, while others read it',
    counts: ['SIGKILL', 'updates'],
    finds: /acknowledged to two/,
    run: documentStorm,
  },
  jobs: {
    about: 'creators and workers of a job store killed; in turns with durability disk and os',
    counts: ['SIGKILL', 'jobs created and run'],
    finds: /was answered, and is gone/,
    run: (storm) => jobStorm(storm, turn(storm, ['disk', 'os'] as const)),
  },
  disk: {
    about: 'a job store on a simulated disk: power cuts, kills, syncs that fail',
    counts: ['kills and power cuts', 'calls answered'],
    finds: /was answered, and is gone|damage after a power cut/,
    run: diskStorm,
  },
  workers: {
    about: 'worker processes, of one program and shared, and those who use them killed',
    counts: ['SIGKILL', 'calls answered'],
    finds: /processes are left/,
    run: workerStorm,
  },
} satisfies Record<string, Kind>

export type StormName = keyof typeof storms
export const stormNames = Object.keys(storms) as StormName[]
