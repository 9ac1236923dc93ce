import { closeSync, constants, openSync, readdirSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { JobslotError } from '../../errors.ts'
import { native } from '../../native/load.ts'
import { checkOptions } from '../../options.ts'
import { stateDirError } from '../../state-dir.ts'
import { sharedEnvironment, type WorkerEnv } from '../environment.ts'
import { WorkerExitedError } from '../exit.ts'
import { LOCK_FD } from '../life.ts'
import { logOf, type Place, sharedPlace, socketAddress, socketOf, sweep, takeLifeLock } from '../place.ts'
import { printable, START_TIMEOUT_MS } from '../private/start-worker.ts'
import { spawnWorker, type WorkerModule, workerModule } from '../spawn.ts'
import { checkTimeout } from '../wire/calls.ts'
import { peerOf } from '../wire/peer.ts'
import { Hold, type SharedWorker } from './hold.ts'

/** What is started where no worker of the name runs, and how long to wait for it. */
export interface ConnectWorkerOptions {
  /** The worker's main module: `new URL('worker.js', import.meta.url)`, or a path. */
  module: string | URL
  /** Words behind the module, in the worker's `process.argv`. Default none. */
  args?: readonly string[] | undefined
  /** Laid over the few variables that a shared worker gets: PATH, HOME, language, time zone. */
  env?: WorkerEnv | undefined
  /** Flags for Node. Default none: not those of this process. */
  execArgv?: readonly string[] | undefined
  /** Milliseconds until it serves. Default 30,000. */
  timeout?: number | undefined
  /** Ends the wait; `connectWorker` rejects with the signal's reason. A worker that others have joined goes on. */
  signal?: AbortSignal | undefined
  /** Milliseconds that it lives on after its last user. Default 500. Counts where this call starts it. */
  idle?: number | undefined
  /** Whether what it prints appears on this process's standard error. Default true. */
  log?: boolean | undefined
}

const JOINING = ['module', 'args', 'env', 'execArgv', 'timeout', 'signal', 'idle', 'log']
const IDLE_MS = 500
const FIRST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 50

/** `connectWorker` of `jobslot/worker`. */
export async function connectShared(name: string, options: ConnectWorkerOptions): Promise<SharedWorker> {
  checkOptions('connectWorker', options, JOINING)
  const { timeout = START_TIMEOUT_MS, idle = IDLE_MS, signal } = options
  checkTimeout(timeout)
  checkTimeout(idle)
  const module = workerModule(options.module)
  const place = sharedPlace(name)
  const label = printable(name)
  const ended = AbortSignal.timeout(timeout)
  const until = signal ? AbortSignal.any([ended, signal]) : ended
  try {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
      until.throwIfAborted()
      const joined = await join(label, place, options, until)
      if (joined) return joined
      const lock = takeLifeLock(place)
      if (lock !== null) return await start(label, place, lock, { ...options, module }, until)
      // Somebody else is starting it, or it is just ending.
      await sleep(pause, undefined, { signal: until })
    }
  } catch (error) {
    if (!ended.aborted || signal?.aborted || error instanceof WorkerExitedError) throw error
    throw new JobslotError(
      'ERR_JOBSLOT_TIMEOUT',
      `shared worker ${label} did not answer within ${timeout} ms: it is still starting, busy or stuck; see its log ${logOf(place)}`,
      { cause: error },
    )
  }
}

/** Null: nobody is there, or not any more. */
async function join(
  name: string,
  place: Place,
  options: ConnectWorkerOptions,
  until: AbortSignal,
): Promise<SharedWorker | null> {
  const socket = await connected(place, until)
  if (!socket) return null
  const peer = peerOf(socket)
  if (peer?.uid !== process.getuid?.()) {
    socket.destroy()
    throw new JobslotError(
      'ERR_JOBSLOT_WORKER_PROTOCOL',
      `what answers for the shared worker ${name} belongs to user ${peer?.uid ?? '(unknown)'}: remove ${socketOf(place)}`,
    )
  }
  const hold = new Hold({ name, place, socket, child: null, pid: peer?.pid ?? 0, log: options.log !== false })
  return (await hold.serves(until)) ? hold : null
}

async function connected(place: Place, until: AbortSignal): Promise<Socket | null> {
  const { path, release } = socketAddress(place)
  try {
    return await new Promise((resolve, reject) => {
      const socket = connect({ path })
      const onAbort = () => {
        socket.destroy()
        reject(until.reason)
      }
      until.addEventListener('abort', onAbort, { once: true })
      const settled = () => until.removeEventListener('abort', onAbort)
      socket.once('connect', () => {
        settled()
        socket.removeAllListeners('error')
        resolve(socket)
      })
      socket.once('error', (error: NodeJS.ErrnoException) => {
        settled()
        // EAGAIN: more come at once than it can queue.
        if (['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EAGAIN'].includes(error.code ?? '')) resolve(null)
        else reject(stateDirError(socketOf(place), error))
      })
    })
  } finally {
    release()
  }
}

/** With the worker's lock, which goes to it: there is no worker of this name, and nobody else can start one. */
async function start(
  name: string,
  place: Place,
  lock: number,
  options: Omit<ConnectWorkerOptions, 'module'> & { module: WorkerModule },
  until: AbortSignal,
): Promise<SharedWorker> {
  const { module, args = [], execArgv = [], env, timeout = START_TIMEOUT_MS, idle = IDLE_MS } = options
  let log = -1
  let hold: Hold
  try {
    sweep(place.dir)
    rmSync(socketOf(place), { force: true, recursive: true })
    rmSync(logOf(place), { force: true, recursive: true })
    const { O_RDWR, O_APPEND, O_CREAT, O_EXCL } = constants
    log = openSync(logOf(place), O_RDWR | O_APPEND | O_CREAT | O_EXCL, 0o600)
    const { child, socket } = spawnWorker({
      ...{ module, args, execArgv, cwd: '/', output: log, more: [lock] },
      env: sharedEnvironment(process.env, env),
      life: { kind: 'shared', name, graceMs: timeout, close: inheritable(), ...place, idleMs: idle },
    })
    hold = new Hold({ name, place, socket, child, pid: child.pid ?? 0, log: options.log !== false })
  } finally {
    if (log >= 0) closeSync(log)
    closeSync(lock)
  }
  try {
    if (await hold.serves(until)) return hold
  } catch (error) {
    await hold.giveUp()
    throw error
  }
  throw await hold.failure()
}

/** Open descriptors that a child would get although nobody has asked for it: a log's pipe, a jobserver's ends. */
function inheritable(): number[] {
  const into = new Float64Array(6)
  let numbers: number[]
  try {
    numbers = readdirSync('/proc/self/fd').map(Number)
  } catch {
    numbers = Array.from({ length: 256 }, (_, fd) => fd)
  }
  return numbers.filter((fd) => fd > LOCK_FD && native().info(fd, into) === 0 && ((into[4] ?? 0) & 1) === 0)
}
