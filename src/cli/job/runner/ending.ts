import type { SpawningHost } from '../../../pool/spawned-member.ts'
import { endGroup } from './end-processes.ts'
import type { Assignment } from './run.ts'

/** The end of a run that is not to come to its own: its slot is free when nothing of its process group is left. */
export class Ending {
  /** For the process: gives its slot back in time. */
  readonly host: SpawningHost
  readonly #assignment: Assignment
  readonly #grace: () => Promise<number>
  #over: Promise<void> | null = null
  #onEnd = () => {}

  constructor(assignment: Assignment, grace: () => Promise<number>) {
    const { host } = assignment
    this.#assignment = assignment
    this.#grace = grace
    this.host = {
      started: (id, command) => host.started(id, command),
      leave: async (id, how) => {
        await this.#over
        return host.leave(id, how)
      },
    }
  }

  /** The process runs, as the leader of its group. */
  watch(pid: number): void {
    const { end, kill } = this.#assignment
    this.#onEnd = () => {
      this.#over = this.#grace().then((grace) => endGroup(pid, grace, kill))
    }
    if (end.aborted) this.#onEnd()
    else end.addEventListener('abort', this.#onEnd, { once: true })
  }

  /** The process has ended. Whether it was to. */
  async over(): Promise<boolean> {
    this.#assignment.end.removeEventListener('abort', this.#onEnd)
    await this.#over
    return this.#over !== null
  }
}
