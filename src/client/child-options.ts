import type { SpawnOptions, StdioOptions } from 'node:child_process'
import type { JobserverAuth } from '../makeflags/index.ts'
import { rewriteMakeflags } from '../makeflags/index.ts'

/** The options of `spawn`, `spawnSync` and `fork` that matter here. */
export type ChildSpawnOptions = Pick<SpawnOptions, 'stdio' | 'env'>

/** What a child is to get: nothing to change, a jobserver, or none although the environment names one. */
export type ChildJobserver =
  | { hand: 'nothing' }
  | { hand: 'jobserver'; auth: JobserverAuth; jobs: number | null; read: number; write: number }
  | { hand: 'none' }

const VARIABLES = ['MAKEFLAGS', 'CARGO_MAKEFLAGS', 'MFLAGS'] as const
/**
 * Where the ends go when their own numbers are taken in `stdio`. Far up, because libuv's own pipe to the child, in which
 * it reports a command that cannot be run, has the lowest number that is free here: at the same number, that report would
 * be written into the jobserver, as four tokens. And above 16, because there inherited descriptors pass even through a
 * Node that does not know of them (docs/protocol.md).
 */
const SPARE_NUMBER = 200
const HIGHEST_KEPT_NUMBER = 1000

type StdioArray = Exclude<StdioOptions, string>

/** `options` with the jobserver merged in. Pure. */
export function childOptions<T extends ChildSpawnOptions>(
  child: ChildJobserver,
  options: T = {} as T,
): T & ChildSpawnOptions {
  if (child.hand === 'nothing') return options
  const env: NodeJS.ProcessEnv = { ...(options.env ?? process.env) }
  if (child.hand === 'none') {
    for (const name of VARIABLES) {
      if (env[name] !== undefined) env[name] = rewriteMakeflags(env[name], null)
    }
    return { ...options, env }
  }
  if (child.auth.style !== 'pipe') {
    setJobserver(env, child.auth, child.jobs)
    return { ...options, env }
  }
  const stdio = asArray(options.stdio)
  // The numbers they have here: for what was inherited that is what MAKEFLAGS says.
  let { read, write } = child
  if (!isFree(stdio, read) || !isFree(stdio, write)) {
    read = nextFree(stdio, SPARE_NUMBER)
    write = nextFree(stdio, read + 1)
  }
  for (let i = stdio.length; i <= Math.max(read, write); i++) stdio[i] = 'ignore'
  stdio[read] = child.read
  stdio[write] = child.write
  setJobserver(env, { style: 'pipe', read, write }, child.jobs)
  return { ...options, stdio, env }
}

/** Every variable that names a jobserver names this one; MAKEFLAGS does in any case. */
function setJobserver(env: NodeJS.ProcessEnv, auth: JobserverAuth, jobs: number | null): void {
  for (const name of VARIABLES) {
    const text = env[name]
    if (name === 'MAKEFLAGS' || text?.includes('--jobserver-')) {
      env[name] = rewriteMakeflags(text ?? '', { auth, jobs })
    }
  }
}

function asArray(stdio: StdioOptions | undefined): StdioArray {
  if (!Array.isArray(stdio)) return [stdio, stdio, stdio]
  // What is not there is undefined: to spawn that is a pipe in the first three places, and nothing behind them.
  return Array.from({ length: Math.max(3, stdio.length) }, (_, i) => stdio[i])
}

function isFree(stdio: StdioArray, number: number): boolean {
  return (
    number >= 3 &&
    number <= HIGHEST_KEPT_NUMBER &&
    (stdio[number] === undefined || stdio[number] === null || stdio[number] === 'ignore')
  )
}

function nextFree(stdio: StdioArray, from: number): number {
  let number = from
  while (!isFree(stdio, number)) number++
  return number
}
