import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from '../../../client/client.ts'
import { collect, type Held } from '../../../client/collect.ts'
import { type Recipe, recipeOf, sweepRecipes } from '../../../client/recipe.ts'
import { privateOwner } from '../../../pool/create-pool.ts'
import type { Audit, Joined, JoinRequest, MemberCommand } from '../../../pool/host.ts'
import type { PoolOwner } from '../../../pool/owner.ts'
import { jobserverSource } from '../../../pool/source.ts'
import type { JobHost } from './run.ts'

const LOOK_MS = 50
const never = new AbortController().signal

/** What was borrowed for the jobs that run: the slot of the first, and the pool that draws those of the others. */
interface Loan {
  owner: PoolOwner
  held: Held[]
}

/**
 * The slots of a jobserver, for jobs: each has one, and its own jobserver within. While none runs, or wants to, nothing is
 * held, as somebody else may have a use for it.
 */
export class BorrowedPool implements JobHost {
  readonly #client: Client
  readonly #recipe: Recipe
  readonly #most: number
  #loan: Loan | null = null
  /** Jobs that run or wait. */
  #users = 0

  constructor(client: Client, most: number) {
    this.#client = client
    this.#recipe = recipeOf(client.identity)
    this.#most = most
  }

  /** One at a time waits. */
  async join(request: JoinRequest, { signal = never }: { signal?: AbortSignal | undefined } = {}): Promise<Joined> {
    this.#users++
    try {
      const { owner } = await this.#borrow(signal)
      return await owner.join(request, { signal })
    } catch (error) {
      this.#left()
      throw error
    }
  }

  async started(id: number, command: MemberCommand): Promise<void> {
    await this.#loan?.owner.started(id, command)
  }

  async leave(id: number, how: { signaled: boolean }): Promise<Audit> {
    try {
      return (await this.#loan?.owner.leave(id, how)) ?? { missing: 0, extra: 0 }
    } finally {
      this.#left()
    }
  }

  async close(hurry: AbortSignal): Promise<void> {
    while (this.#loan && !hurry.aborted) await sleep(LOOK_MS)
    await this.#giveBack()
    this.#client.close()
    sweepRecipes()
  }

  async #borrow(signal: AbortSignal): Promise<Loan> {
    if (this.#loan) return this.#loan
    const wanted = { min: 1, max: 1, wait: true, timeout: never, signal }
    const held = await collect(this.#client, this.#recipe, wanted)
    this.#loan = { held, owner: privateOwner(jobserverSource(this.#client, this.#most)) }
    return this.#loan
  }

  #left(): void {
    if (--this.#users === 0) void this.#endWhenUnused()
  }

  /** What killed jobs have left behind uses their slots still. */
  async #endWhenUnused(): Promise<void> {
    const loan = this.#loan
    while (loan && this.#loan === loan && this.#users === 0) {
      if (loan.owner.size === 0) return this.#giveBack()
      await sleep(LOOK_MS)
    }
  }

  async #giveBack(): Promise<void> {
    const loan = this.#loan
    if (!loan) return
    this.#loan = null
    const closed = loan.owner.close()
    // Before anybody borrows anew.
    for (const slot of loan.held) slot.release()
    await closed
  }
}
