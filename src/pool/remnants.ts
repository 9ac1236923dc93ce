import { setTimeout as sleep } from 'node:timers/promises'
import type { Ledger } from '../account/ledger.ts'
import { MEMBER_VARIABLE, STARTED_BY_VARIABLE } from './marks.ts'
import { type Member, recordOf } from './member.ts'
import { processEnd } from './process-end.ts'
import { findMarked, type ProcessIdentity } from './survivors.ts'

/** An ended member of which processes live on: they have slots as long as they do. */
export interface Remnant {
  readonly member: Member
  slots: number
  /** Those of the slots that stand for tokens which were not given back. */
  missing: number
  survivors: number
}

const isProcess = ({ request }: Member): boolean => request.kind === 'process'

/** A process that forks and ends, again and again, is asked for no more often. */
const PAUSE_MS = 20
/** Where it could not be told who is left. */
const ASK_AGAIN_MS = 500

/**
 * What is left of members that were killed. Their processes work on in slots that nobody will give back, so these are
 * held back until so many of the processes have ended.
 */
export class Remnants {
  readonly #mark: string
  readonly #ledger: Ledger
  readonly #isAsker: (process: ProcessIdentity) => boolean
  readonly #onFreed: (remnant: Remnant, tokens: number) => void
  readonly #all = new Map<number, Remnant>()
  readonly #stopped = new AbortController()

  /**
   * `isAsker`: whether the process has asked for slots of its own. `onFreed`: slots of a remnant are free again, and with
   * them so many tokens; all of them when it has `slots` 0.
   */
  constructor(
    mark: string,
    ledger: Ledger,
    isAsker: (process: ProcessIdentity) => boolean,
    onFreed: (remnant: Remnant, tokens: number) => void,
  ) {
    this.#mark = mark
    this.#ledger = ledger
    this.#isAsker = isAsker
    this.#onFreed = onFreed
  }

  get size(): number {
    return this.#all.size
  }

  get slots(): number {
    let sum = 0
    for (const { slots } of this.#all.values()) sum += slots
    return sum
  }

  [Symbol.iterator](): Iterator<Remnant> {
    return this.#all.values()
  }

  /** Holds back what the processes of an ended member can have of `slots`. @returns how many these are */
  hold(member: Member, slots: number, missing: number): number {
    const found = this.#find(member)
    const kept = found ? Math.min(slots, found.length) : slots
    if (kept === 0) return 0
    const remnant = { member, slots: kept, missing: Math.min(kept, missing), survivors: found?.length ?? kept }
    this.#ledger.write(member.place, recordOf(member, kept))
    this.#all.set(member.id, remnant)
    void this.#follow(remnant, found)
    return remnant.slots
  }

  stop(): void {
    this.#stopped.abort()
    this.#all.clear()
  }

  /** Null: it cannot be told now. */
  #find(member: Member): ProcessIdentity[] | null {
    try {
      const mark = `${this.#mark}/${member.id}`
      if (!isProcess(member)) return findMarked(mark, MEMBER_VARIABLE)
      // A `jobslot run` that it has started, for one: it would wait for a slot that is held back because it lives.
      return findMarked(mark, STARTED_BY_VARIABLE).filter((found) => !this.#isAsker(found))
    } catch {
      // No descriptor is free.
      return null
    }
  }

  async #follow(remnant: Remnant, first: ProcessIdentity[] | null): Promise<void> {
    for (let found = first; remnant.slots > 0; ) {
      const changed = new AbortController()
      const signal = AbortSignal.any([changed.signal, this.#stopped.signal])
      const ends = found?.map(({ pid, startTime }) => processEnd(pid, startTime, { signal }).catch(() => {}))
      // Whoever is left of a process may ask for slots of its own by now.
      if (isProcess(remnant.member)) ends?.push(sleep(ASK_AGAIN_MS, undefined, { signal, ref: false }).catch(() => {}))
      if (ends) await Promise.race(ends)
      changed.abort()
      await new Promise((resolve) => setTimeout(resolve, ends ? PAUSE_MS : ASK_AGAIN_MS).unref())
      if (this.#stopped.signal.aborted) return
      found = this.#find(remnant.member)
      if (!found) continue
      const freed = Math.max(0, remnant.slots - found.length)
      remnant.slots -= freed
      remnant.survivors = found.length
      const tokens = remnant.missing - Math.min(remnant.missing, remnant.slots)
      remnant.missing -= tokens
      if (remnant.slots === 0) this.#all.delete(remnant.member.id)
      if (freed > 0) this.#onFreed(remnant, tokens)
    }
  }
}
