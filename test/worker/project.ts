import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { atEnd } from '../support/at-end.ts'
import { packageDir } from '../support/cli.ts'
import { type Env, type RunOptions, run, start, tempDir, waitFor } from '../support/processes.ts'

/** A folder in which jobslot is installed, with a state folder of its own. */
export interface Project {
  dir: string
  /** Where shared workers lie. */
  workers: string
  /** Writes a file, and returns its path. */
  file(name: string, text: string): string
  /** Runs `code` as a module, with `startWorker`, `connectWorker`, `say` and `sleep` in reach. */
  run(code: string, options?: RunOptions): Promise<{ said: unknown[]; code: number | null; stderr: string; ms: number }>
  start(code: string, options?: RunOptions): ReturnType<typeof start> & { says(count?: number): Promise<unknown> }
}

/** The methods of the worker that most tests use, `worker.mjs`. */
const WORKER = `
  import { spawn } from 'node:child_process'
  import fs from 'node:fs'
  import { serve } from 'jobslot/worker'
  serve({
    echo: (value) => value,
    about: () => ({
      pid: process.pid, ppid: process.ppid, argv: process.argv.slice(1), execArgv: process.execArgv,
      env: { ...process.env }, cwd: process.cwd(), session: fs.readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ')[3],
    }),
    fds: () => fs.readdirSync('/proc/self/fd').map((fd) => {
      try { return [Number(fd), fs.readlinkSync('/proc/self/fd/' + fd)] } catch { return null }
    }).filter(Boolean),
    fail({ message, name, code }) {
      const error = new (globalThis[name] ?? Error)(message)
      if (!globalThis[name]) error.name = name
      if (code !== undefined) error.code = code
      throw error
    },
    throwText: () => { throw 'just text' },
    print: (text) => fs.writeSync(1, text),
    log: (...words) => console.log(words[0]),
    exit: (status) => process.exit(status),
    die: (signal) => { process.kill(process.pid, signal); return new Promise(() => {}) },
    spin: () => { for (;;); },
    spinSoon: () => { setTimeout(() => { for (;;); }, 10) },
    never: () => new Promise(() => {}),
    untilAborted: (_, { signal }) => new Promise((resolve) => {
      signal.addEventListener('abort', () => { console.log('aborted:', signal.reason.name); resolve() })
    }),
    client: (_, { client }) => client.pid,
    uncloneable: () => () => {},
    grandchild: () => {
      const child = spawn('sleep', ['60'], { stdio: ['ignore', 'inherit', 'inherit'] })
      return child.pid
    },
    throwLater: () => { setTimeout(() => { throw new Error('thrown later') }, 10); return new Promise(() => {}) },
    flood: (megabytes) => {
      const chunk = ('x'.repeat(99) + '\\n').repeat(10_000)
      for (let i = 0; i < megabytes; i++) process.stdout.write(chunk)
      return process.memoryUsage.rss()
    },
  })
`

const PRELUDE = `
  import fs from 'node:fs'
  import { setTimeout as sleep } from 'node:timers/promises'
  import { connectWorker, startWorker, WorkerExitedError } from 'jobslot/worker'
  const say = (value) => fs.writeSync(1, JSON.stringify(value) + '\\n')
  const failure = (promise) => promise.then((value) => ({ value }), (error) => ({
    name: error.name, message: error.message, code: error.code, exitCode: error.exitCode, signal: error.signal, output: error.output,
  }))
  const module = new URL('./worker.mjs', import.meta.url)
`

export function project(): Project {
  const dir = tempDir()
  const state = join(dir, 'state')
  const workers = join(state, 'workers')
  mkdirSync(state)
  mkdirSync(join(dir, 'node_modules'))
  symlinkSync(packageDir, join(dir, 'node_modules/jobslot'))
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text)
    return join(dir, name)
  }
  file('package.json', '{ "private": true }')
  file('worker.mjs', WORKER)
  // Nothing may outlive a test: what does carries the folder's name in its command line.
  atEnd(() => {
    for (const pid of processesOf(dir)) process.kill(pid, 'SIGKILL')
  })
  let programs = 0
  const argvOf = (code: string) => [process.execPath, file(`program-${++programs}.mjs`, `${PRELUDE}\n${code}`)]
  // Without the certificates that some machines have every Node read at its start, which takes longer than all else.
  const envOf = (env: Env = {}): Env => ({ JOBSLOT_DIR: state, NODE_EXTRA_CA_CERTS: undefined, ...env })
  return {
    dir,
    workers,
    file,
    async run(code, options = {}) {
      const from = performance.now()
      const result = await run(argvOf(code), { ...options, env: envOf(options.env) })
      const ms = performance.now() - from
      return { said: lines(result.stdout), code: result.code, stderr: result.stderr, ms }
    },
    start(code, options = {}) {
      const running = start(argvOf(code), { ...options, env: envOf(options.env) })
      let stdout = ''
      running.child.stdout?.on('data', (text) => {
        stdout += text
      })
      running.result.catch(() => {})
      let isOver = false
      running.child.on('close', () => {
        isOver = true
      })
      const says = async (count = 1) => {
        await waitFor(() => lines(stdout).length >= count || isOver, 20_000, `the program says ${count} things`)
        if (lines(stdout).length < count) throw new Error(`the program ended early\n${running.stderr()}`)
        return lines(stdout)[count - 1]
      }
      return { ...running, says }
    },
  }
}

const lines = (text: string): unknown[] => {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

/** Everything that was started from a file of this folder, and runs. */
export function processesOf(dir: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(dir) && !isZombie(Number(pid))
      } catch {
        return false
      }
    })
    .map(Number)
}

export function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !isZombie(pid)
}

function isZombie(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z')
  } catch {
    return true
  }
}

/** What lies in the folder of shared workers, once nothing is expected to. */
export function leftIn(workers: string): string[] {
  return existsSync(workers) ? readdirSync(workers) : []
}

export function clear(path: string): void {
  rmSync(path, { recursive: true, force: true })
}
