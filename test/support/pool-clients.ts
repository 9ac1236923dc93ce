import type { Member, MemberOptions, Pool } from './pool-simulator.ts'

/** A build of jobs: how many could run at once now, and how long the next one takes. */
export interface Work {
  wide: number
  jobMs(): number
}

/** Counts what runs, for how long. */
export class Build {
  readonly pool: Pool
  readonly member: Member
  readonly work: Work
  running = 0
  done = 0
  /** Slots times milliseconds of jobs so far. */
  #used = 0
  #at: number
  protected ended = false

  constructor(pool: Pool, member: Member, work: Work) {
    this.pool = pool
    this.member = member
    this.work = work
    this.#at = pool.now
  }

  get used(): number {
    return this.#used + this.running * (this.pool.now - this.#at)
  }

  protected count(change: 1 | -1): void {
    this.#used = this.used
    this.#at = this.pool.now
    this.running += change
    if (change < 0) this.done++
  }
}

/** make: one job on the base, and a blocked reader whenever it has another job ready. */
export class Make extends Build {
  #baseFree: number

  constructor(pool: Pool, work: Work, options: MemberOptions = {}) {
    super(pool, pool.add(options, true), work)
    this.#baseFree = this.member.base
    this.member.onTokens = () => this.look()
    this.look()
  }

  /** To be called when there is more work, too. */
  look(): void {
    while (!this.ended && this.running < this.work.wide) {
      const onBase = this.#baseFree > 0
      if (onBase) this.#baseFree--
      else if (!this.member.take()) return
      this.count(1)
      this.pool.after(this.work.jobMs(), () => {
        this.count(-1)
        if (onBase) this.#baseFree++
        else this.member.give()
        this.look()
      })
    }
  }

  /** No new jobs; leaves when the last has ended. */
  stop(): void {
    this.ended = true
    const leave = () => (this.running > 0 ? this.pool.after(1, leave) : this.pool.remove(this.member))
    leave()
  }
}

/** ninja: asks without waiting, at its start and when one of its jobs ends. */
export class Ninja extends Build {
  #baseFree: number

  constructor(pool: Pool, work: Work, options: MemberOptions = {}) {
    super(pool, pool.add(options, true), work)
    this.#baseFree = this.member.base
    pool.after(20, () => this.#ask())
  }

  #ask(): void {
    while (this.running < this.work.wide) {
      const onBase = this.#baseFree > 0
      if (onBase) this.#baseFree--
      else if (!this.member.take()) return
      this.count(1)
      this.pool.after(this.work.jobMs(), () => {
        this.count(-1)
        if (onBase) this.#baseFree++
        else this.member.give()
        this.#ask()
      })
    }
  }
}

/** A sleeping shell: has its base and takes nothing. */
export const idle = (pool: Pool, options: MemberOptions = {}): Member => pool.add(options, true)

/** `jobslot acquire -c MIN..MAX` of so many milliseconds. */
export function acquire(
  pool: Pool,
  [min, max]: [number, number],
  ms: number,
  ended: (waited: number) => void,
  priority = 0,
) {
  const since = pool.now
  pool.wait(min, max, priority, (slots) => {
    const member = pool.add({ base: slots, priority }, false)
    const waited = pool.now - since
    pool.after(ms, () => {
      pool.remove(member)
      ended(waited)
    })
  })
}

/** A process that called `openPool`: no base, and says when it waits. */
export class Process extends Make {
  constructor(pool: Pool, work: Work, options: MemberOptions = {}) {
    super(pool, work, { base: 0, ...options })
    this.member.hungry()
  }

  override look(): void {
    super.look()
    if (!this.ended && this.running < this.work.wide) this.member.hungry()
  }
}
