import { join } from 'node:path'
import { cli, libraryFile } from '../support/cli.ts'
import { compiled } from '../support/compile.ts'
import { type Env, type Running, start, tempDir } from '../support/processes.ts'
import { cargoProject, gccLtoProject } from '../support/projects.ts'
import { readSpans, type Span } from '../support/spans.ts'
import type { Storm } from '../torture/storm.ts'
import { makeJobs, ninjaJobs, times } from './builds.ts'

/** The programs that a pool is made for; without cargo or gcc there are no members of these. */
export interface Tools {
  make43: string
  make44: string
  ninja: string
  cargo?: string | null
  gcc?: string | null
}

export interface Kind {
  name: string
  start(): Running
  /**
   * Between its command and its jobs are processes that wait for a job: where one of them is killed by itself, the job runs
   * on and no jobserver hears of it. That is known, and told in docs/pools.md.
   */
  hasMiddle?: boolean
}

/** A program that takes slots of the pool in its own process, for as many jobs. */
const program = (pool: string, spans: string) => `import(${JSON.stringify(libraryFile)}).then(async ({ openPool }) => {
  const { spawn } = require('node:child_process')
  const pool = await openPool('${pool}')
  const job = () => new Promise((done) => spawn(${JSON.stringify(compiled('job'))}, [${JSON.stringify(spans)}, '60', 'own']).on('exit', done))
  await pool.limit.map(Array.from({ length: 12 }), job)
  await pool.close()
})`

/** Members of all kinds, which record their jobs. */
export function memberKinds(
  storm: Storm,
  { pool, env, tools }: { pool: string; env: Env; tools: Tools },
): { kinds: Kind[]; recorded(): Span[]; spans: string } {
  const { make43, make44, ninja, cargo, gcc } = tools
  const spans = join(tempDir(), 'spans')
  const job = `${compiled('job')} ${spans} 80`
  const folderOf = (name: string) => makeJobs(spans, name, times(30, 60))
  const [folder43, folder44, nested] = [folderOf('make43'), folderOf('make44'), folderOf('nested')]
  const ninjaFolder = ninjaJobs(spans, 'ninja', times(30, 60))
  const of = (argv: readonly string[], cwd?: string, more: Env = {}): Running =>
    start([...cli, ...argv], { env: { ...env, ...more }, ...(cwd ? { cwd } : {}) })
  const run = ['run', '--pool', pool]
  const acquire = ['acquire', '--pool', pool]
  const kinds: Kind[] = [
    { name: 'make43', start: () => of([...run, '--style', 'pipe', '--', make43, '-sk'], folder43) },
    { name: 'make44', start: () => of([...run, '--style', 'fifo', '--', make44, '-sk'], folder44) },
    { name: 'ninja', start: () => of([...run, '--style', 'fifo', '--', ninja, '-k0'], ninjaFolder) },
    { name: 'one', start: () => of([...acquire, '--', compiled('job'), spans, '120', 'one']) },
    { name: 'two', start: () => of([...acquire, '-c', '2', '--', 'sh', '-c', `${job} a & ${job} b & wait`]) },
    { name: 'nested', start: () => of([...run, '--', ...cli, 'run', '-j3', '--', make44, '-sk'], nested) },
    { name: 'own', start: () => start([process.execPath, '-e', program(pool, spans)], { env }) },
  ]
  const files = [spans]
  if (cargo) {
    const { argv, cwd, env: more, spans: own } = cargoProject(tempDir(), { jobs: 6, ms: 50, cargo })
    files.push(own)
    // A build script that has run with this time does not run again.
    const begin = () =>
      of([...run, '--style', 'fifo', '--', ...argv], cwd, { ...more, JOB_MS: `${30 + storm.below(900)}` })
    kinds.push({ name: 'cargo', hasMiddle: true, start: begin })
  }
  if (gcc) {
    const { argv, cwd, spans: own } = gccLtoProject(tempDir(), { jobs: 6, ms: 50, make: make43, gcc })
    files.push(own)
    const command = ['sh', '-c', 'rm -f program; exec "$@"', 'sh', ...argv]
    // A compiler that is killed leaves its temporary files.
    const begin = () => of([...run, '--style', 'pipe', '--', ...command], cwd, { TMPDIR: cwd })
    kinds.push({ name: 'gcc', hasMiddle: true, start: begin })
  }
  return { kinds, spans, recorded: () => files.flatMap(readSpans) }
}
