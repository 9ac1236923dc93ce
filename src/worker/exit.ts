import { JobslotError } from '../errors.ts'

/** How a worker ended. Both are null where it was killed and nobody can tell by what. */
export interface WorkerExit {
  code: number | null
  signal: NodeJS.Signals | null
}

/** A worker ended before it answered, or before it served at all. */
export class WorkerExitedError extends JobslotError {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  /** The last lines that it printed. */
  readonly output: string

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
