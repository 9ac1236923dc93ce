import type { ChildProcess } from 'node:child_process'
import { statSync } from 'node:fs'
import type { Socket } from 'node:net'
import { basename, extname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { JobslotError } from '../errors.ts'
import type { WorkerEnv } from './environment.ts'
import type { Life } from './life.ts'
import { LIFE_VARIABLE, STARTER_FD } from './life.ts'

export interface WorkerModule {
  path: string
  /** What a worker is called that has no name of its own. */
  name: string
}

export interface SpawnOptions {
  module: WorkerModule
  args: readonly string[]
  execArgv: readonly string[]
  env: WorkerEnv
  cwd: string | undefined
  life: Life
  /** Standard output and standard error. */
  output: number
  /** Descriptors 4 and up. */
  more?: readonly number[]
}

const preload = join(import.meta.dirname, '../../dist/worker/preload.cjs')

/** @throws TypeError for what is no file */
export function workerModule(module: string | URL): WorkerModule {
  if (typeof module !== 'string' && !(module instanceof URL)) {
    throw new TypeError(`the module of a worker must be a path or a file: URL, not ${String(module)}`)
  }
  // A colon alone makes no URL of a path.
  const isUrl = module instanceof URL || /^(file|data|node|https?):/i.test(module)
  const path = isUrl ? fileURLToPath(module) : resolve(module)
  return { path, name: basename(path, extname(path)) }
}

/**
 * Starts a Node with the module as its main module, in a session and process group of its own, with a socket to this
 * process as descriptor 3. Neither keeps this process alive.
 */
export function spawnWorker({ module, args, execArgv, env, cwd, life, output, more = [] }: SpawnOptions): {
  child: ChildProcess
  socket: Socket
} {
  if (cwd !== undefined && !statSync(cwd, { throwIfNoEntry: false })?.isDirectory()) {
    // The kernel's error would name Node's program.
    throw new JobslotError('ERR_JOBSLOT_WORKER_EXITED', `a worker cannot be started: there is no folder ${cwd}`)
  }
  // Who joins a worker that runs already does not load it.
  const { spawn } = process.getBuiltinModule('node:child_process')
  const child = spawn(process.execPath, ['--require', preload, ...execArgv, module.path, ...args], {
    detached: true,
    stdio: ['ignore', output, output, 'pipe', ...more],
    env: { ...env, [LIFE_VARIABLE]: JSON.stringify(life) },
    cwd,
  })
  const socket = child.stdio?.[STARTER_FD] as Socket | undefined
  if (!socket) {
    // Node makes no streams where there is no descriptor left for them; its error comes as an event.
    child.on('error', () => {})
    throw new JobslotError(
      'ERR_JOBSLOT_WORKER_EXITED',
      'a worker cannot be started: this process has too many files open (EMFILE)',
    )
  }
  child.unref()
  socket.unref()
  return { child, socket }
}

/** A signal for the worker and what it has started. False: there is none any more. */
export function killGroup(pid: number | undefined, signal: NodeJS.Signals): boolean {
  // 0 is what the kernel says of a process in another PID namespace, and would be this process's own group.
  if (pid === undefined || pid <= 1) return false
  try {
    return process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
