import { JobslotError } from '../errors.ts'

/** How a worker ended. Both are null where it was killed and nobody can tell by what. */
export interface WorkerExit {
  /** Its exit status; null where a signal ended it. */
  code: number | null
  /** The signal that ended it; null where it ended by itself. */
  signal: NodeJS.Signals | null
}

/** A worker ended before it answered, or before it served at all. Its `code` is `ERR_JOBSLOT_WORKER_EXITED`. */
export class WorkerExitedError extends JobslotError {
  /** Its exit status; null where a signal ended it, or nobody can tell. */
  readonly exitCode: number | null
  /** The signal that ended it; null where it ended by itself, or nobody can tell. */
  readonly signal: NodeJS.Signals | null
  /** The last lines that it printed. */
  readonly output: string

  /** @internal */
  constructor(name: string, when: string, { code, signal }: WorkerExit, output: string) {
    const how = signal !== null ? `was ended by ${signal}` : code !== null ? `ended with status ${code}` : 'was killed'
    super('ERR_JOBSLOT_WORKER_EXITED', `worker ${name} ${how} ${when}: ${printed(output)}`)
    this.exitCode = code
    this.signal = signal
    this.output = output
  }
}

/** The last lines of a worker, as the end of a message. */
export function printed(output: string): string {
  return output === '' ? 'it had printed nothing' : `it had printed\n${output.replace(/^/gm, '  ')}`
}
