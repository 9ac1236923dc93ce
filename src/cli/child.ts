import type { SpawnOptions } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { constants } from 'node:os'
import { type Command, type CommandEnd, startCommand } from '../command.ts'
import { EXIT } from './exit-codes.ts'
import { tell } from './messages.ts'
import { type EndingSignal, Interrupted, isInterrupted, type Signals } from './signals.ts'

/** How a command ended, or why it did not start. */
export type Ended = CommandEnd

/**
 * Runs the command to its end. What signals come are passed on to it where they do not reach it by themselves. `onStart`
 * gets its process number.
 */
export async function runCommand(
  command: readonly string[],
  options: Pick<SpawnOptions, 'env' | 'stdio'>,
  signals: Signals,
  onStart: (pid: number) => void = () => {},
): Promise<Ended> {
  if (signals.pending) return { code: null, signal: signals.pending }
  let child: Command
  try {
    child = startCommand(command, options) ?? (await spawned(command, options, signals))
  } catch (error) {
    if (isInterrupted(error)) return { code: null, signal: error.signal }
    return { code: couldNotRun(command[0] ?? '', error as NodeJS.ErrnoException), signal: null }
  }
  onStart(child.pid)
  return signals.during(
    (signal) => passOn(child, signal),
    () => child.ended,
  )
}

/** By Node's own means, where the addon cannot. @throws why it cannot be run; Interrupted */
async function spawned(command: readonly string[], options: SpawnOptions, signals: Signals): Promise<Command> {
  const { spawnClear } = await (await import('./bundles/more.ts')).spawn()
  if (signals.pending) throw new Interrupted(signals.pending)
  const [program = '', ...args] = command
  // Most reasons come as an event; some, an argument list too long for one, are thrown.
  const child = spawnClear(program, args, options)
  const { pid } = child
  if (pid === undefined) return new Promise((_, reject) => child.on('error', reject))
  // For a signal that could not be sent; the command runs on.
  child.on('error', () => {})
  const ended = new Promise<Ended>((resolve) => {
    child.on('exit', (code, signal) => {
      resolve(signal ? { code: null, signal } : { code: code ?? EXIT.software, signal: null })
    })
  })
  return { pid, ended, kill: (signal) => void child.kill(signal) }
}

/**
 * TERM, HUP and the like are passed on. INT and QUIT reach the command by themselves from a terminal; where there is none, whoever
 * sent them to us meant the command.
 */
function passOn(child: Command, signal: EndingSignal): void {
  const fromTerminal = signal === 'SIGINT' || signal === 'SIGQUIT'
  if (!(fromTerminal && hasTerminal())) child.kill(signal)
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

function couldNotRun(program: string, error: NodeJS.ErrnoException): number {
  if (error.code === 'ENOENT') {
    // `npm exec jobslot acquire -n 2 -- true` arrives as `acquire 2 true`: npm took the rest for itself.
    const npmHint = ' (npm exec takes options for itself: use npx, or npm exec -- jobslot …)'
    const lineHint = ' (that is one word, quoted: leave the quotes out, or use sh -c)'
    tell(`${program}: command not found${/^\d/.test(program) ? npmHint : /\s/.test(program) ? lineHint : ''}`)
    return EXIT.notFound
  }
  tell(`${program} cannot be run: ${error.code === 'EACCES' ? whyDenied(program) : (error.code ?? error.message)}`)
  return EXIT.cannotRun
}

function whyDenied(program: string): string {
  if (!program.includes('/')) return 'EACCES'
  const isFolder = statSync(program, { throwIfNoEntry: false })?.isDirectory()
  return isFolder ? 'it is a folder' : 'this user may not execute it (EACCES): chmod +x'
}

/** Ends this process as the command ended: by the same signal, or with the same status. */
export function endAs(ended: Ended): never {
  if (ended.signal) endBy(ended.signal)
  process.exit(ended.code)
}

/** Ends this process by a signal, whatever listens for it. */
export function endBy(signal: NodeJS.Signals): never {
  // What was read for a wait that is over, and is on its way to it still, the addon gives back when it hears of the exit,
  // of which a signal says nothing.
  process.emit('exit', 128 + constants.signals[signal])
  // Without a listener, SIGUSR1 does not end a Node but opens its inspector.
  if (signal !== 'SIGUSR1') {
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  }
  // A signal that is ignored, or process 1 of a container, which is spared: told as a shell would tell it.
  process.exit(128 + constants.signals[signal])
}
