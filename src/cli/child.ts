import type { SpawnOptions } from 'node:child_process'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { EXIT } from './exit-codes.ts'
import { tell } from './messages.ts'

/** How a command ended, or why it did not start. */
export type Ended = { code: number; signal: null } | { code: null; signal: NodeJS.Signals }

const PASSED_ON = ['SIGTERM', 'SIGHUP'] as const
const FROM_TERMINAL = ['SIGINT', 'SIGQUIT'] as const

/**
 * Runs the command to its end. TERM and HUP are passed on. INT and QUIT reach it by themselves from a terminal; where
 * there is none, whoever sent them to us meant the command, so they are passed on too.
 */
export function runCommand(command: readonly string[], options: SpawnOptions): Promise<Ended> {
  const [program = '', ...args] = command
  return new Promise((resolve) => {
    const child = spawn(program, args, options)
    const passOn = (signal: NodeJS.Signals) => child.kill(signal)
    const ignoreOrPassOn = (signal: NodeJS.Signals) => {
      if (!hasTerminal()) passOn(signal)
    }
    const listen = (method: 'on' | 'off') => {
      for (const signal of PASSED_ON) process[method](signal, passOn)
      for (const signal of FROM_TERMINAL) process[method](signal, ignoreOrPassOn)
    }
    listen('on')
    child.on('error', (error: NodeJS.ErrnoException) => {
      listen('off')
      resolve({ code: couldNotRun(command, error), signal: null })
    })
    child.on('exit', (code, signal) => {
      listen('off')
      resolve(signal ? { code: null, signal } : { code: code ?? EXIT.software, signal: null })
    })
  })
}

function couldNotRun(command: readonly string[], error: NodeJS.ErrnoException): number {
  const program = command[0] ?? ''
  if (error.code === 'ENOENT') {
    // `npm exec jobslot acquire -n 2 -- true` arrives as `acquire 2 true`: npm took the rest for itself.
    const hint = /^\d/.test(program) ? ' (npm exec takes options for itself: use npx, or npm exec -- jobslot …)' : ''
    tell(`${program}: command not found${hint}`)
    return EXIT.notFound
  }
  tell(`${program} cannot be run: ${error.code ?? error.message}`)
  return EXIT.cannotRun
}

/** Whether this process has a controlling terminal, from which Ctrl-C reaches every process in the foreground. */
function hasTerminal(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[4] !== '0'
  } catch {
    return process.stdin.isTTY === true || process.stderr.isTTY === true
  }
}

/** Ends this process as the command ended: by the same signal, or with the same status. */
export function endAs(ended: Ended): never {
  if (ended.signal) endBy(ended.signal)
  process.exit(ended.code ?? EXIT.software)
}

/** Ends this process by a signal, whatever listens for it. */
export function endBy(signal: NodeJS.Signals): never {
  process.removeAllListeners(signal)
  try {
    process.kill(process.pid, signal)
  } catch {
    // Told by the status instead.
  }
  // A signal that is ignored, or process 1 of a container, which is spared: as a shell would tell it.
  process.exit(128 + signalNumber(signal))
}

function signalNumber(signal: NodeJS.Signals): number {
  return constants.signals[signal] ?? 0
}
