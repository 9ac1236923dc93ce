import { join } from 'node:path'
import { type OpenOptions, openStore } from '../../../src/store/open.ts'
import { newState } from '../../real/state.ts'
import { cli } from '../../support/cli.ts'
import { type Result, type Running, type RunOptions, start, tempDir } from '../../support/processes.ts'

/** A folder for a store, which is not there yet, and `jobslot job` on it. */
export interface Jobs {
  dir: string
  start(words: readonly string[], options?: RunOptions): Running
  job(words: readonly string[], options?: RunOptions): Promise<Result>
  /** Has the library do what a worker would. */
  inStore<T>(
    use: (store: Awaited<ReturnType<typeof openStore>>) => Promise<T>,
    options?: Partial<OpenOptions>,
  ): Promise<T>
}

export function jobs(dir = join(tempDir(), 'store')): Jobs {
  const state = newState()
  const begin = (words: readonly string[], options: RunOptions = {}) =>
    start([...cli, 'job', ...words], { ...options, env: { ...state.env, JOBSLOT_STORE: dir, ...options.env } })
  return {
    dir,
    start: begin,
    job: (words, options) => begin(words, options).result,
    async inStore(use, options) {
      const store = await openStore({ dir, ...options })
      try {
        return await use(store)
      } finally {
        await store.close()
      }
    },
  }
}

/** Of a command that prints JSON, one value a line. */
export function linesOf(stdout: string): Record<string, unknown>[] {
  return stdout
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}
