import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { JobOptions } from '../../../src/store/calls/options.ts'
import type { JobStore } from '../../../src/store/job-store.ts'
import { openStore } from '../../../src/store/open.ts'
import { processesWhere } from '../../broker/named.ts'
import { newState } from '../../real/state.ts'
import { cli } from '../../support/cli.ts'
import { type Env, type Result, type Running, type RunOptions, start, tempDir } from '../../support/processes.ts'

/** A store of the test's own, and `jobslot job work` on it. */
export interface Working {
  dir: string
  store: JobStore
  env: Env
  /** Queues a shell's script, as `job add -- sh -c SCRIPT` does; its folder is `cwd`. */
  script(text: string, options?: JobOptions): Promise<number>
  cwd: string
  start(words: readonly string[], options?: RunOptions): Running
  work(words: readonly string[], options?: RunOptions): Promise<Result>
  log(id: number): string
  /** Processes of the store's jobs. */
  processes(): number[]
}

export async function working(options: { env?: Env; dir?: string } = {}): Promise<Working> {
  const { dir = join(tempDir(), 'store') } = options
  const cwd = tempDir()
  const state = newState()
  const store = await openStore({ dir })
  const env = { ...state.env, ...options.env, NODE_EXTRA_CA_CERTS: undefined }
  const processes = () =>
    processesWhere((pid) => readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`JOBSLOT_STORE=${dir}`))
  onTestFinished(async () => {
    await store.close()
    // They are in sessions of their own.
    for (const pid of processes()) process.kill(pid, 'SIGKILL')
  })
  const begin = (words: readonly string[], more: RunOptions = {}) =>
    start([...cli, 'job', 'work', '--dir', dir, ...words], { cwd, ...more, env: { ...env, ...more.env } })
  return {
    dir,
    store,
    env,
    cwd,
    processes,
    async script(text, more) {
      const { id } = await store.create({ cmd: ['sh', '-c', text], cwd }, more)
      return id
    },
    start: begin,
    work: (words, more) => begin(words, more).result,
    log: (id) => readFileSync(join(dir, 'logs', `${id}.log`), 'utf8'),
  }
}
