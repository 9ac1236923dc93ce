import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'
import { type LockParty, type TryLockOptions, tryLock } from '../../src/lock.ts'
import { addonEnv } from '../fd/program.ts'
import { packageDir } from '../support/cli.ts'

/** A process of its own that locks: it does what it is told, several things at once if need be. */
export interface Party {
  pid: number
  child: ChildProcess
  /**
   * Runs `code`, the body of an async function, and gives what it returns, or fails with what it throws. In reach: all of
   * `jobslot/lock`, `native`, `fs`, `spawn`, `sleep`, `openFds()`, and `held`, where what it returns can be kept.
   */
  // biome-ignore lint/suspicious/noExplicitAny: it is JSON
  do(code: string): Promise<any>
  /** Takes a lock and keeps it as `held[key]`. */
  lock(name: string | readonly string[], options?: object, key?: string): Promise<Taken>
  tryLock(name: string | readonly string[], options?: object, key?: string): Promise<Taken | null>
  release(key?: string): Promise<void>
  /** SIGKILL; settles when it is gone. */
  kill(): Promise<void>
  signal(signal: NodeJS.Signals): void
  /** Nothing more is asked of it: it ends when it has nothing left to do. Gives its exit code. */
  end(): Promise<number | null>
}

export interface Taken {
  names: string[]
  abandonedBy: LockParty | null
  abandoned: (LockParty & { name: string })[]
}

export interface PartyOptions {
  /** Its JOBSLOT_DIR. */
  state?: string
  env?: Record<string, string>
  uid?: number
  gid?: number
  umask?: number
  /** What it says to standard error is of no interest. */
  quiet?: boolean
  /** Words before the command: a program that runs it. */
  under?: readonly string[]
}

export const lockModule = pathToFileURL(join(packageDir, 'dist/lock.js')).href

const code = `
  import * as api from '${lockModule}'
  import { native } from '${new URL('native/load.js', lockModule).href}'
  import fs from 'node:fs'
  import { spawn } from 'node:child_process'
  import { createInterface } from 'node:readline'
  import { setTimeout as sleep } from 'node:timers/promises'
  import { Worker } from 'node:worker_threads'
  const openFds = () => fs.readdirSync('/proc/self/fd').length
  const parts = { api, ...api, native, fs, spawn, sleep, Worker, openFds, lockModule: '${lockModule}', held: {} }
  const AsyncFunction = (async () => {}).constructor
  const answer = (id, value) => fs.writeSync(1, JSON.stringify({ id, ...value }) + '\\n')
  createInterface({ input: process.stdin }).on('line', async (line) => {
    const { id, code } = JSON.parse(line)
    try {
      const value = await new AsyncFunction(...Object.keys(parts), code)(...Object.values(parts))
      answer(id, { value })
    } catch (error) {
      answer(id, { error: { name: error?.name, code: error?.code, message: error?.message ?? String(error), cause: error?.cause?.code } })
    }
  })
  answer(0, {})
`

export async function startParty({
  state,
  env,
  uid,
  gid,
  umask,
  quiet = false,
  under = [],
}: PartyOptions = {}): Promise<Party> {
  const shell = umask === undefined ? [] : ['sh', '-c', `umask ${umask.toString(8)}; exec "$@"`, 'sh']
  const [command, ...args] = [...shell, ...under, process.execPath, '--input-type=module', '-e', code]
  const child = spawn(command as string, args, {
    env: { ...addonEnv(), ...(state === undefined ? {} : { JOBSLOT_DIR: state }), ...env },
    stdio: ['pipe', 'pipe', quiet ? 'ignore' : 'inherit'],
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    cwd: '/',
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  const gone = new Promise<number | null>((resolve) => {
    child.on('exit', (exitCode) => {
      for (const { reject } of pending.values()) reject(new Error('the party has ended'))
      pending.clear()
      resolve(exitCode)
    })
  })
  child.stdin?.on('error', () => {})
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
    const { id, value, error } = JSON.parse(line)
    const asked = pending.get(id)
    pending.delete(id)
    if (error) asked?.reject(Object.assign(new Error(error.message), error))
    else asked?.resolve(value)
  })
  let lastId = 0
  const ask = (id: number) =>
    new Promise((resolve, reject) => {
      pending.set(id, { resolve, reject })
    })
  const ready = ask(0)
  const told = (text: string): Promise<unknown> => {
    const answer = ask(++lastId)
    // Whoever is killed while it is asked something gives no answer.
    answer.catch(() => {})
    child.stdin?.write(`${JSON.stringify({ id: lastId, code: text })}\n`)
    return answer
  }
  const taken = (call: string, name: string | readonly string[], options: object, key: string) =>
    told(`const taken = ${call}(${JSON.stringify(name)}, ${JSON.stringify(options)})
      if (!taken) return null
      held[${JSON.stringify(key)}] = taken
      return { names: taken.names, abandonedBy: taken.abandonedBy, abandoned: taken.abandoned }`)
  await ready
  return {
    pid: child.pid as number,
    child,
    do: told,
    lock: (name, options = {}, key = 'lock') => taken('await api.lock', name, options, key) as Promise<Taken>,
    tryLock: (name, options = {}, key = 'lock') => taken('api.tryLock', name, options, key) as Promise<Taken | null>,
    release: async (key = 'lock') => {
      await told(`held[${JSON.stringify(key)}].release()`)
    },
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
    signal: (signal) => {
      child.kill(signal)
    },
    async end() {
      child.stdin?.end()
      return gone
    },
  }
}

/** Whether it can be had at once. */
export function isFree(name: string, options: TryLockOptions): boolean {
  const held = tryLock(name, options)
  held?.release()
  return held !== null
}

/** Whether a promise is still open after a while. */
export async function stillWaits(promise: Promise<unknown>, ms = 100): Promise<boolean> {
  const open = Symbol('open')
  const timer = new Promise((resolve) => setTimeout(resolve, ms, open))
  return (await Promise.race([promise.catch(() => {}), timer])) === open
}
