import { PrivatePool, type Style } from '../pool/private-pool.ts'
import { stopsAtFifo, styleFor } from '../pool/style.ts'
import { type Ended, runCommand } from './child.ts'
import { tell } from './messages.ts'
import type { Signals } from './signals.ts'

export interface PoolOptions {
  /** The limit that the command is told, its implicit slot included. */
  slots: number
  env: NodeJS.ProcessEnv
  style: Style | 'auto'
  /** Supplies the tokens while the command runs; returns what ends the supply. Without it all are there at once. */
  supply?: (grant: () => void) => () => void
  signals: Signals
}

/** Runs a command with a jobserver of its own, and tells at the end what it did not give back. */
export async function runInPool(command: string[], options: PoolOptions): Promise<Ended> {
  const pool = new PrivatePool()
  try {
    const { env, stdio } = pool.offer(options.env, await chosenStyle(command[0] ?? '', options.style), options.slots)
    const endSupply = (options.supply ?? supplyAll(options.slots - 1))(() => pool.grant())
    try {
      return await runCommand(command, { env, stdio }, options.signals)
    } finally {
      endSupply()
    }
  } finally {
    const { missing, extra } = pool.close()
    if (missing > 0) tell(`${tokens(missing)} not given back: a client was killed, or still runs in the background`)
    if (extra > 0) tell(`${tokens(extra)} given back that nobody had taken: a client does not keep the protocol`)
  }
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

function supplyAll(count: number) {
  return (grant: () => void) => {
    for (let i = 0; i < count; i++) grant()
    return () => {}
  }
}

function tokens(count: number): string {
  return count === 1 ? '1 token was' : `${count} tokens were`
}
