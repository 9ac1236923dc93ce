import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { JobslotError } from '../errors.ts'
import { readProcess } from '../proc.ts'
import { spawnClear } from '../spawn.ts'
import type { Joined, PoolHost } from './host.ts'
import { offer, type Style } from './offer.ts'
import { styleFor } from './style.ts'

/** How a command ended: by itself, with an exit status, or by a signal. */
export type MemberExit = { code: number; signal: null } | { code: null; signal: NodeJS.Signals }

/** A command that runs as a member of a pool. */
export interface Member {
  /** Its number in the pool's status. */
  readonly id: number
  /** Of its process. */
  readonly pid: number
  /** Its process, with the streams that `options.stdio` asked for. */
  readonly child: ChildProcess
  /** When its account is closed: by then its slots are others', but for those that processes it left behind still use. */
  readonly exited: Promise<MemberExit>
  /** Sends a signal to its process. Default SIGTERM. False where it has ended already. */
  kill(signal?: NodeJS.Signals): boolean
}

/** What a member's starter tells of it. */
export type SpawningHost = Pick<PoolHost, 'started' | 'leave'>

/** Before it has a slot. @throws TypeError */
export function checkCommand(program: unknown, args: unknown): void {
  if (typeof program !== 'string') throw new TypeError(`the command must be a string, not ${typeof program}`)
  if (!Array.isArray(args) || args.some((arg) => typeof arg !== 'string')) {
    throw new TypeError('spawn takes a command, an array of its arguments, which are strings, and options')
  }
}

/**
 * Starts a command in a slot that was given for it, and gives that back at its end.
 *
 * @throws JobslotError `ERR_JOBSLOT_SPAWN`: it could not be started; its slot is given back
 */
export async function spawnMember(
  host: SpawningHost,
  joined: Joined,
  command: readonly [program: string, ...args: string[]],
  options: SpawnOptions & { style: Style | 'auto' },
): Promise<Member> {
  const { id } = joined
  const [program, ...args] = command
  const { style: asked, ...rest } = options
  let close = () => {}
  let child: ChildProcess
  try {
    const style = asked === 'auto' ? styleFor(program) : asked
    const offered = offer(joined, { env: rest.env ?? process.env, stdio: rest.stdio, style })
    close = offered.close
    child = spawnClear(program, args, { ...rest, env: offered.env, stdio: offered.stdio })
    await spawned(child)
  } catch (error) {
    close()
    await host.leave(id, { signaled: false })
    throw notStarted(program, error)
  }
  const exited = new Promise<MemberExit>((resolve) => {
    child.on('exit', (code, signal) => {
      close()
      const exit: MemberExit = signal ? { code: null, signal } : { code: code ?? 0, signal: null }
      // How it ended is known, though its pool was closed meanwhile: then its slots end with it.
      const end = () => resolve(exit)
      host.leave(id, { signaled: signal !== null }).then(end, end)
    })
  })
  const pid = child.pid ?? 0
  // Its answer is not waited for: of a command that ends meanwhile, Node reads what it printed for nobody, and forgets it.
  host.started(id, { pid, startTime: readProcess(pid)?.startTime ?? '0' }).catch(() => {})
  return { id, pid, child, exited, kill: (signal = 'SIGTERM') => child.kill(signal) }
}

function spawned(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('spawn', () => {
      // Later ones are for whoever listens; a signal that could not be sent is no reason to end a program.
      child.off('error', reject)
      child.on('error', () => {})
      resolve()
    })
  })
}

function notStarted(program: string, error: unknown): unknown {
  if (error instanceof JobslotError) return error
  const { code, message } = error as NodeJS.ErrnoException
  const why = code === 'ENOENT' ? 'there is no such command, or no such folder to run it in' : (code ?? message)
  return new JobslotError('ERR_JOBSLOT_SPAWN', `${program} could not be started: ${why}`, { cause: error })
}
