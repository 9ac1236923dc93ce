import type { SpawnOptions } from 'node:child_process'
import type { JobserverAuth } from '../makeflags/index.ts'
import { rewriteMakeflags } from '../makeflags/index.ts'
import { asArray, isFree, nextFree, place, SPARE_NUMBER } from '../stdio.ts'

/** The options of `spawn`, `spawnSync` and `fork` that matter here. */
export type ChildSpawnOptions = Pick<SpawnOptions, 'stdio' | 'env'>

/** What a child is to get: nothing to change, a jobserver, or none although the environment names one. */
export type ChildJobserver =
  | { hand: 'nothing' }
  | { hand: 'jobserver'; auth: JobserverAuth; jobs: number | null; read: number; write: number }
  | { hand: 'none' }

const VARIABLES = ['MAKEFLAGS', 'CARGO_MAKEFLAGS', 'MFLAGS'] as const

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
  place(stdio, read, child.read)
  place(stdio, write, child.write)
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
