import type { BrokerClient } from '../../src/broker/broker-client.ts'
import type { PoolStatus } from '../../src/pool/host.ts'
import { type Named, named } from '../broker/named.ts'
import { cli } from '../support/cli.ts'
import { type Result, type Running, type RunOptions, start } from '../support/processes.ts'

/** A named pool as users at a shell have it. The test itself stays connected, so its broker stays up. */
export interface Shell extends Named {
  host: BrokerClient
  status(): Promise<PoolStatus>
  start(argv: readonly string[], options?: RunOptions): Running
  /** Runs a command that has to end well and to say nothing of its own. */
  quietly(argv: readonly string[], options?: RunOptions): Promise<void>
  jobslot(...words: string[]): Promise<Result>
}

export async function shell(slots: number, name = 'ci'): Promise<Shell> {
  const n = named()
  const begin = (argv: readonly string[], options: RunOptions = {}) =>
    // Without the certificates that some machines have every Node read at its start.
    start(argv, { ...options, env: { ...n.env, NODE_EXTRA_CA_CERTS: undefined, ...options.env } })
  const host = await n.connect(name, { slots })
  return {
    ...n,
    host,
    status: () => host.status(),
    start: begin,
    async quietly(argv, options) {
      const { code, signal, stderr } = await begin(argv, options).result
      if (code !== 0 || stderr !== '') throw new Error(`${argv.join(' ')} ended with ${signal ?? code}: ${stderr}`)
    },
    jobslot: (...words) => begin([...cli, ...words]).result,
  }
}

/** All slots that somebody has, as the pool counts them: tokens that lie ready are free. */
export function inUse({ members }: PoolStatus): number {
  return members.reduce((sum, { base, held }) => sum + base + held, 0)
}
