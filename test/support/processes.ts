import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { atEnd } from './at-end.ts'

export type Env = Record<string, string | undefined>

export interface RunOptions {
  /** Laid over the scrubbed environment; undefined takes a variable away. */
  env?: Env
  cwd?: string
  /** In ms; when it is over, all that was started is killed and the run fails. Default 30 s. */
  timeout?: number
  /** For standard input, which is empty otherwise. */
  input?: string
}

export interface Result {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface Running {
  pid: number
  child: ChildProcess
  /** What it has written to standard error by now. */
  stderr(): string
  /** Settles when the command has ended and nobody holds its output open any more. */
  result: Promise<Result>
}

/** Runs a command to its end. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<Result> {
  return start(argv, options).result
}

/** Starts a command as the leader of a process group; what of it still runs when the test is over is killed. */
export function start(argv: readonly string[], options: RunOptions = {}): Running {
  const { cwd, timeout = 30_000, input } = options
  const [command, ...args] = argv
  if (command === undefined) throw new Error('there is no command to run')
  const child = spawn(command, args, { cwd, env: scrubbed(process.env, options.env), detached: true, stdio: 'pipe' })
  const { pid } = child
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  // A command may end without having read its input.
  child.stdin.on('error', () => {})
  child.stdin.end(input)

  const result = new Promise<Result>((resolve, reject) => {
    const timer = setTimeout(() => {
      const state =
        child.exitCode === null && child.signalCode === null ? 'runs on' : 'has ended, but its output is open'
      killGroup(pid)
      child.stdout.destroy()
      child.stderr.destroy()
      reject(new Error(`after ${timeout} ms ${argv.join(' ')} ${state}\n${stdout}${stderr}`))
    }, timeout)
    child.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, stdout, stderr })
    })
    atEnd(() => {
      clearTimeout(timer)
      if (child.exitCode === null && child.signalCode === null) killGroup(pid)
    })
  })
  // Without a process there is no pid to return: the error that comes is the result's.
  return { pid: pid ?? -1, child, stderr: () => stderr, result }
}

/** The tests may themselves run under make, or under a pool: none of that reaches what they start. */
export function scrubbed(env: Env, over: Env = {}): Env {
  const kept = Object.entries(env).filter(
    ([name]) => !['MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'CARGO_MAKEFLAGS'].includes(name) && !name.startsWith('JOBSLOT_'),
  )
  return { ...Object.fromEntries(kept), ...over }
}

/** A new folder that is removed after the test. */
export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'jobslot-'))
  atEnd(() => rmSync(dir, { recursive: true, force: true, maxRetries: 5 }))
  return dir
}

/** Waits until the condition holds, and fails when it does not in time. */
export async function waitFor(
  condition: () => boolean | Promise<boolean>,
  timeout = 5000,
  what = String(condition),
): Promise<void> {
  const deadline = performance.now() + timeout
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`after ${timeout} ms this does not hold: ${what}`)
    await sleep(5)
  }
}

/** The flags of another process's descriptor: those of the description (O_NONBLOCK), and its own O_CLOEXEC. */
export function flagsOf(pid: number, fd: number): number {
  return Number.parseInt(field(`/proc/${pid}/fdinfo/${fd}`, 'flags'), 8)
}

/** Processor time of all threads, those that have ended included, in ms; the kernel tells it in steps of 10 ms. */
export function cpuOf(pid: number): number {
  const { utime, stime } = stat(pid)
  return (utime + stime) * 10
}

/** How often the threads that now live were switched, by their own will or not. */
export function contextSwitches(pid: number): number {
  let sum = 0
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const file = `/proc/${pid}/task/${thread}/status`
    sum += Number(field(file, 'voluntary_ctxt_switches')) + Number(field(file, 'nonvoluntary_ctxt_switches'))
  }
  return sum
}

/** The processes whose parent this one is. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => {
      try {
        return stat(candidate).parent === pid
      } catch {
        return false // It ended meanwhile.
      }
    })
}

export function openFdCount(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length
}

function stat(pid: number): { parent: number; utime: number; stime: number } {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The command's name stands in parentheses and may hold anything, more parentheses included.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return { parent: Number(fields[1]), utime: Number(fields[11]), stime: Number(fields[12]) }
}

function field(file: string, name: string): string {
  const match = new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(readFileSync(file, 'utf8'))
  if (!match?.[1]) throw new Error(`${file} has no ${name}`)
  return match[1]
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It ended meanwhile.
  }
}
