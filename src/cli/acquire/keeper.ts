import type { ChildProcess } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { ONE_SLOT } from '../../broker/membership.ts'
import type { Client } from '../../client/client.ts'
import { JobslotError } from '../../errors.ts'
import { info } from '../../fd.ts'
import { commandLine, hasEnded, readProcess } from '../../proc.ts'
import { spawnClear } from '../../spawn.ts'
import { endBy } from '../child.ts'
import { EXIT } from '../exit-codes.ts'
import type { EndingSignal, Signals } from '../signals.ts'
import { keeperId } from './slot-id.ts'

/**
 * A jobserver's slots that are held for a process (`acquire --for PID`) are kept by a process of their own: tokens have
 * no owner, so somebody has to be there to give them back at that process's end.
 *
 * What they say to each other: the keeper writes the slot's id as a line once it holds the slot; who asked prints it and
 * writes `HANDED`. Where that does not come, nobody knows of the slot, and the keeper gives it back. A keeper that gets
 * no slot says why on stderr and ends with the status that its asker is to end with.
 */
export const HANDED = 'handed\n'

/** Descriptors that the keeper has inherited although nobody asked for it: a log's pipe, another jobserver's ends. */
export const CLOSE_VARIABLE = 'JOBSLOT_KEEPER_CLOSES'

/** Kept small: what CI systems and shells put there is not the keeper's, least of all what a runner kills by. */
const VARIABLES = ['PATH', 'JOBSLOT_DIR', 'JOBSLOT_MEMBER', 'NODE_DEBUG']
/** Where there are tokens to be had. */
const JOBSERVER_VARIABLES = ['MAKEFLAGS', 'CARGO_MAKEFLAGS', 'MFLAGS']

/** Starts a keeper with the words of this `acquire`, prints the id that it answers, and leaves it to itself. */
export async function holdByKeeper(words: readonly string[], client: Client, signals: Signals): Promise<never> {
  const names = client.auth ? [...VARIABLES, ...JOBSERVER_VARIABLES] : VARIABLES
  const env = {
    ...Object.fromEntries(names.map((name) => [name, process.env[name]])),
    ...(client.auth ? {} : ONE_SLOT),
  }
  const options = client.childOptions({ env, stdio: ['pipe', 'pipe', 'pipe'] })
  const wanted = options.stdio as readonly unknown[]
  options.env = {
    ...options.env,
    [CLOSE_VARIABLE]: inheritable()
      .filter((fd) => !isGiven(wanted[fd]))
      .join(),
  }
  const keeper = spawnClear(process.execPath, [process.argv[1] ?? '', 'keep', ...words], { ...options, detached: true })
  keeper.stderr?.pipe(process.stderr)
  let interrupted: EndingSignal | null = null
  const status = await signals.during(
    (signal) => {
      interrupted = signal
      // It gives back what it may have, and ends.
      keeper.stdin?.destroy()
    },
    () => handOver(keeper),
  )
  if (interrupted) endBy(interrupted)
  process.exit(status)
}

/** What a child gets although it is not in its `stdio`. */
function inheritable(): number[] {
  let numbers: number[]
  try {
    numbers = readdirSync('/proc/self/fd').map(Number)
  } catch {
    numbers = Array.from({ length: 256 }, (_, fd) => fd)
  }
  return numbers.filter((fd) => fd > 2 && isInherited(fd))
}

function isInherited(fd: number): boolean {
  try {
    return !info(fd).closeOnExec
  } catch {
    return false // It was that of the folder that was just read.
  }
}

function isGiven(entry: unknown): boolean {
  return entry !== undefined && entry !== null && entry !== 'ignore'
}

/** Resolves to 0 once the slot's id has been printed; where there is no slot, to the status that the keeper ended with. */
function handOver(keeper: ChildProcess): Promise<number> {
  const { stdin, stdout } = keeper
  return new Promise((resolve, reject) => {
    let answer = ''
    // It may end before it hears that it has been heard.
    stdin?.on('error', () => {})
    stdout?.setEncoding('utf8').on('data', (text: string) => {
      answer += text
      if (!answer.endsWith('\n')) return
      process.stdout.on('error', () => {})
      process.stdout.write(answer, (error) => {
        // What nobody reads, nobody can release.
        if (error) stdin?.destroy()
        else stdin?.end(HANDED, () => resolve(0))
      })
    })
    keeper.on('error', reject)
    keeper.on('close', (code) => resolve(code ?? EXIT.software))
  })
}

const GIVING_BACK_MS = 10_000

/** Ends a keeper, and waits until it has given back. @throws JobslotError `ERR_JOBSLOT_NO_SLOT` */
export async function endKeeper(pid: number, startTime: string): Promise<void> {
  const id = keeperId(pid, startTime)
  const isThere = () => {
    const entry = readProcess(pid)
    return entry ? entry.startTime === startTime && !entry.ended : !hasEnded(pid)
  }
  // An id can be made up, and the number be another process's by now.
  if (!isThere() || !isKeeper(commandLine(pid))) {
    throw new JobslotError(
      'ERR_JOBSLOT_NO_SLOT',
      `slot ${id} is held no more: its process has ended, or it was released`,
    )
  }
  process.kill(pid, 'SIGTERM')
  const began = performance.now()
  while (isThere()) {
    if (performance.now() - began > GIVING_BACK_MS) {
      throw new JobslotError(
        'ERR_JOBSLOT_NO_SLOT',
        `slot ${id} was not given back: process ${pid}, which keeps it, is stopped or stuck`,
      )
    }
    await sleep(5)
  }
}

function isKeeper([title = '', word]: readonly string[]): boolean {
  return title.startsWith('jobslot keep ') || (title === 'jobslot' && word === 'keep')
}
