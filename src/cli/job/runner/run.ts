import type { Joined, PoolHost } from '../../../pool/host.ts'
import type { PulledJob, ValueInput } from '../../../store.ts'

/** What jobs are members of while they run. */
export type JobHost = Pick<PoolHost, 'join' | 'started' | 'leave'>

/** A job that was claimed, with the slot that it is to run in. */
export interface Assignment {
  job: PulledJob
  host: JobHost
  joined: Joined
  /** Aborted when the run is to end: its claim is lost, or its worker is to end. */
  end: AbortSignal
  /** Aborted when it is to end without any grace. */
  kill: AbortSignal
  /** Aborted when no more jobs are to be started: what has not begun by then is given back. */
  stop: AbortSignal
}

/** How a run came out. `final`: another would come out no better. Null: it was ended, and told nothing. */
export type Result = { ok: true; value: ValueInput } | { ok: false; error: string | Error; final?: boolean } | null

/** Runs jobs. */
export interface Runner {
  /** Makes sure that it can run jobs: where it cannot, none is to be taken, and failed. Ends by the signal, too. */
  prepare(signal: AbortSignal): Promise<void>
  /** Runs a job, and gives its slot back, whatever happens. Resolves when nothing of the run goes on but its daemons. */
  run(assignment: Assignment): Promise<Result>
  /** Ends what was kept for further runs. */
  close(): Promise<void>
}
