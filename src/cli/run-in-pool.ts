import { PrivatePool, type Style } from '../pool/private-pool.ts'
import { styleFor } from '../pool/style.ts'
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
    const { env, stdio } = pool.offer(
      options.env,
      options.style === 'auto' ? styleFor(command[0] ?? '') : options.style,
      options.slots,
    )
    const endSupply = (options.supply ?? supplyAll(options.slots - 1))(() => pool.grant())
    const ended = await runCommand(command, { env, stdio }, options.signals)
    endSupply()
    return ended
  } finally {
    const { missing, extra } = pool.close()
    if (missing > 0) tell(`${tokens(missing)} not given back: a client was killed, or still runs in the background`)
    if (extra > 0) tell(`${tokens(extra)} given back that nobody had taken: a client does not keep the protocol`)
  }
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
