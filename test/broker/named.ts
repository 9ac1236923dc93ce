import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BrokerClient, type BrokerOptions } from '../../src/broker/broker-client.ts'
import type { PoolPlace } from '../../src/broker/place.ts'
import type { JoinRequest } from '../../src/pool/host.ts'
import { thisProcess } from '../../src/pool/this-process.ts'
import { readProcess } from '../../src/proc.ts'
import { connectWorker } from '../../src/worker.ts'
import { atEnd } from '../support/at-end.ts'
import { libraryFile, packageDir } from '../support/cli.ts'
import { type Env, type Running, start, tempDir, waitFor } from '../support/processes.ts'

/** A state folder for pools by name, used by this process and by those that it starts. */
export interface Named {
  dir: string
  env: Env
  /** Connects this process. */
  connect(pool: string | PoolPlace, options?: BrokerOptions): Promise<BrokerClient>
  /** Starts a program with `openPool`, `BrokerClient`, `say` and `sleep` in reach. */
  program(code: string, options?: { env?: Env; under?: readonly string[] }): Program
  brokers(): number[]
  /** What lies in the folder, but for what outlives a broker, and the lock that an ended one leaves to the next start. */
  left(): string[]
}

export interface Program extends Running {
  says(count?: number): Promise<unknown>
}

const PRELUDE = `
  import fs from 'node:fs'
  import { setTimeout as sleep } from 'node:timers/promises'
  import { openPool } from ${JSON.stringify(libraryFile)}
  import { BrokerClient } from ${JSON.stringify(join(packageDir, 'dist/broker/broker-client.js'))}
  import { thisProcess } from ${JSON.stringify(join(packageDir, 'dist/pool/this-process.js'))}
  const say = (value) => fs.writeSync(1, JSON.stringify(value) + '\\n')
  const failure = (promise) => promise.then(() => ({ code: 'none' }), ({ name, code, message }) => ({ name, code, message }))
  const asked = (more = {}) => ({
    ...thisProcess(), kind: 'acquire', label: null, min: 1, max: 1, draws: false, limit: null, priority: 0, weight: 1, ...more,
  })
`

export function named({ dir = tempDir() }: { dir?: string } = {}): Named {
  const env = { JOBSLOT_DIR: dir }
  const before = process.env.JOBSLOT_DIR
  process.env.JOBSLOT_DIR = dir
  const clients: BrokerClient[] = []
  const brokers = () =>
    processesWhere(
      (pid) =>
        readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`JOBSLOT_DIR=${dir}`) &&
        readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('/broker/broker.cjs'),
    )
  atEnd(async () => {
    await Promise.all(clients.map((client) => client.close()))
    if (before === undefined) delete process.env.JOBSLOT_DIR
    else process.env.JOBSLOT_DIR = before
    for (const pid of brokers()) process.kill(pid, 'SIGKILL')
    await waitFor(() => brokers().length === 0)
  })
  return {
    dir,
    env,
    brokers,
    async connect(pool, options) {
      const client = await BrokerClient.connect(pool, options)
      clients.push(client)
      return client
    },
    program(code, { env: more = {}, under = [] } = {}) {
      const argv = [...under, process.execPath, '--input-type=module', '-e', `${PRELUDE}\n${code}`]
      // Without the certificates that some machines have every Node read at its start, which takes longer than all else.
      const running = start(argv, { env: { ...env, NODE_EXTRA_CA_CERTS: undefined, ...more }, timeout: 60_000 })
      let stdout = ''
      let isOver = false
      running.child.stdout?.on('data', (text) => {
        stdout += text
      })
      running.child.on('close', () => {
        isOver = true
      })
      running.result.catch(() => {})
      const said = () => stdout.split('\n').slice(0, -1)
      const says = async (count = 1) => {
        await waitFor(() => said().length >= count || isOver, 20_000, `the program says ${count} things`)
        if (said().length < count) throw new Error(`the program ended early\n${running.stderr()}`)
        return JSON.parse(said()[count - 1] as string)
      }
      return { ...running, says }
    },
    left: () =>
      readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter(
        (name) =>
          !['workers', 'pools', 'locks', 'recipes'].includes(name) &&
          !name.endsWith('.lock') &&
          !/^pools\/[^/]+\.json$/.test(name),
      ),
  }
}

/** What a process of this test asks for. */
export function asked(more: Partial<JoinRequest> = {}): JoinRequest {
  return {
    ...thisProcess(),
    ...{ kind: 'acquire', label: null, min: 1, max: 1, draws: false, limit: null, priority: 0, weight: 1, ...more },
  }
}

export function processesWhere(condition: (pid: number) => boolean): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && existsSync(`/proc/${name}/environ`))
    .map(Number)
    .filter((pid) => {
      try {
        return condition(pid) && !readProcess(pid)?.ended
      } catch {
        return false // It ended meanwhile.
      }
    })
}

export async function failure(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('it did not fail')
}

/** The broker of pool `ci` without the client, for what no program of ours sends. */
export const speakTo = () => connectWorker('pool ci', { module: '/dev/null', log: false })
