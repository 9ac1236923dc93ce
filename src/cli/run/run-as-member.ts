import { setTimeout as sleep } from 'node:timers/promises'
import { JobslotError } from '../../errors.ts'
import type { Audit, Joined, JoinRequest, PoolHost } from '../../pool/host.ts'
import { offer, type Style } from '../../pool/offer.ts'
import { stopsAtFifo, styleFor } from '../../pool/style.ts'
import { thisProcess } from '../../pool/this-process.ts'
import { ownPid, readProcess } from '../../proc.ts'
import { type Ended, runCommand } from '../child.ts'
import { tell, tellIfSlow, visible } from '../messages.ts'
import { Interrupted, type Signals } from '../signals.ts'
import { count } from '../table.ts'

/** What a member of a pool asks for, beside who asks. */
export type Asked = Omit<JoinRequest, 'pid' | 'startTime' | 'since'>

/**
 * Waits for the first slots of a member, `timeout` in milliseconds.
 *
 * @throws JobslotError `ERR_JOBSLOT_TIMEOUT`, and what `join` throws; Interrupted. Then nothing is held.
 */
export async function joinPool(
  host: PoolHost,
  asked: Asked,
  { name, timeout }: { name: string | null; timeout: number },
  signals: Signals,
): Promise<Joined> {
  const what = `${count(asked.min, 'slot')} of ${name === null ? 'this pool' : `pool ${visible(name)}`}`
  const ended = new AbortController()
  const within = timeout > 0 ? `within ${timeout / 1000} s` : 'to be had at this moment'
  const late = () => ended.abort(new JobslotError('ERR_JOBSLOT_TIMEOUT', `no ${what} ${within}`))
  const served = tellIfSlow(async () => `waiting for ${what}${await whatIsHeld(host, name)}`)
  const timer = timeout > 0 && timeout <= 0x7fffffff ? setTimeout(late, timeout) : undefined
  try {
    return await signals.during(
      (signal) => ended.abort(new Interrupted(signal)),
      () => {
        const joined = host.join({ ...asked, ...thisProcess() }, { signal: ended.signal })
        if (timeout > 0) return joined
        return Promise.race([joined, leaveIfQueued(host, late).then(() => joined)])
      },
    )
  } finally {
    served()
    clearTimeout(timer)
  }
}

/** Whoever is not let in at once is in the line by the time the host can say so. */
async function leaveIfQueued(host: PoolHost, leave: () => void): Promise<void> {
  const { waiters } = await host.status()
  const self = ownPid()
  if (waiters.some(({ pid }) => pid === self)) leave()
}

/** What a wait for slots is told with; empty where the host does not answer. */
export async function whatIsHeld(host: PoolHost, name: string | null): Promise<string> {
  try {
    const { slots, effective, free, governor } = await host.status()
    if (slots === 0 && name !== null) return `, which has none: see jobslot resize --pool ${quoted(name)} N`
    const governed =
      effective < slots && governor?.reason ? `, and ${slots - effective} withheld: ${governor.reason}` : ''
    const see = name === null ? '' : `: see jobslot status --pool ${quoted(name)}`
    return ` (${Math.max(0, effective - free)} of ${slots} held${governed})${see}`
  } catch {
    return ''
  }
}

/** As a word for a shell, and for a terminal. */
export function quoted(name: string): string {
  const text = visible(name)
  return /^[\w@%+:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

export interface RunOptions {
  env: NodeJS.ProcessEnv
  style: Style | 'auto'
  signals: Signals
}

/** Runs a command in slots that were given for it, and gives them back at its end; tells what it did not. */
export async function runAsMember(
  host: PoolHost,
  joined: Joined,
  command: string[],
  { env, style, signals }: RunOptions,
): Promise<Ended> {
  const { id } = joined
  let ended: Ended | null = null
  try {
    const chosen = joined.fifo === null ? 'pipe' : await chosenStyle(command[0] ?? '', style)
    const offered = offer(joined, { env, stdio: 'inherit', style: chosen })
    try {
      ended = await runCommand(command, { env: offered.env, stdio: offered.stdio }, signals, (pid) => {
        // Where the host cannot be told, it finds the command by its mark.
        host.started(id, { pid, startTime: readProcess(pid)?.startTime ?? '0' }).catch(() => {})
      })
      if (joined.fifo !== null && ended.signal === null) {
        await Promise.race([untilGivenBack(host, id), sleep(GIVING_BACK_MS, undefined, { ref: false })])
      }
      return ended
    } finally {
      offered.close()
    }
  } finally {
    await leave(host, id, { signaled: ended !== null && ended.signal !== null }, signals)
  }
}

const GIVING_BACK_MS = 200

/** What holds a slot until a process has ended (`acquire --for`) gives it back some milliseconds later. */
async function untilGivenBack(host: PoolHost, id: number): Promise<void> {
  const began = performance.now()
  try {
    while (performance.now() - began < GIVING_BACK_MS) {
      const { members } = await host.status()
      if (!members.some((member) => member.id === id && member.held > 0)) return
      await sleep(5)
    }
  } catch {
    // Who cannot tell is told no more than that the command has ended.
  }
}

/** A new broker is there by then. */
const ANSWER_MS = 10_000

/**
 * The status is the command's, whatever becomes of its slots: those of a host that is gone end with it. Ends by the
 * answer, in some time, or by a signal: with this process its connection ends, which a broker that is stopped finds out
 * when it runs again.
 */
async function leave(host: PoolHost, id: number, how: { signaled: boolean }, signals: Signals): Promise<void> {
  const isOver = new AbortController()
  const over = sleep(ANSWER_MS, undefined, { signal: isOver.signal, ref: false }).then(
    () => 'the broker of the pool does not answer: it gets the slots back when it runs again',
    () => null,
  )
  const left = host.leave(id, how).then(
    (audit) => tellAudit(audit),
    (error) => (isOver.signal.aborted ? null : (error as Error).message),
  )
  const told = await signals.during(
    () => isOver.abort(),
    () => Promise.race([left, over]),
  )
  isOver.abort()
  if (told) tell(told)
}

export function tellAudit({ missing, extra }: Audit): void {
  if (missing > 0) tell(`${tokens(missing)} not given back: a client was killed, or still runs in the background`)
  if (extra > 0) tell(`${tokens(extra)} given back that nobody had taken: a client does not keep the protocol`)
}

async function chosenStyle(program: string, asked: Style | 'auto'): Promise<Style> {
  if (asked === 'fifo' && stopsAtFifo(program)) {
    tell(`${program} is older than 4.4 and stops at the fifo form of MAKEFLAGS: use --style pipe`)
  }
  if (asked !== 'auto') return asked
  const style = styleFor(program)
  // The thread was blocked meanwhile: a signal that came is heard of in the event loop's next turn but one.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  return style
}

function tokens(count: number): string {
  return count === 1 ? '1 token was' : `${count} tokens were`
}
