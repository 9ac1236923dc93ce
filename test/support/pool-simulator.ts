import { asked, granted, type Habits, looked, newcomer, refused, stirred, withdrawn } from '../../src/plan/habits.ts'
import { plan } from '../../src/plan/plan.ts'
import type { Plan, PlanState } from '../../src/plan/situation.ts'

/** A run of jobs, tokens and plans on a clock of its own: what takes minutes in the real takes milliseconds here. */

// As measured: an event of the addon's reaches JavaScript, a blocked reader wakes up, a FIFO's watch is armed again.
const EVENT_MS = 0.2
const WAKE_MS = 0.1
const REARM_MS = 1
// A busy make is faster than the addon's thread once in so many times.
const THREAD_LOSES = 0.1

export interface MemberOptions {
  base?: number
  priority?: number
  weight?: number
  max?: number | null
}

export class Pool {
  now = 0
  capacity: number
  heldBack = 0
  /** How often the owner looks at all; in between, at those that were reported. */
  lookMs = 5
  #lookedAt = Number.NEGATIVE_INFINITY
  limit: number | undefined
  readonly members = new Map<number, Member>()
  moves = 0
  /** Tokens that clients took or returned. */
  stirs = 0
  /** How long a blocked reader takes to wake up. */
  wakeMs: () => number = () => WAKE_MS
  /** Moves of each kind, for messages. */
  readonly kinds = new Map<string, number>()
  plans = 0
  last: Plan = { moves: [], lookAt: null, lack: 0, spare: 0, watch: new Map() }
  readonly random: () => number
  #events: { at: number; order: number; act: () => void }[] = []
  #order = 0
  #ids = 0
  #waiting = new Map<number, Waiter>()
  #planned = false
  #wake: object | null = null

  constructor(capacity: number, seed = 1) {
    this.capacity = capacity
    this.random = generator(seed)
  }

  after(ms: number, act: () => void): void {
    this.#events.push({ at: this.now + Math.max(0, ms), order: this.#order++, act })
    let i = this.#events.length - 1
    const heap = this.#events
    while (i > 0) {
      const up = (i - 1) >> 1
      if (!earlier(heap[i]!, heap[up]!)) break
      ;[heap[i], heap[up]] = [heap[up]!, heap[i]!]
      i = up
    }
  }

  #next() {
    const heap = this.#events
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    heap[0] = last
    for (let i = 0; ; ) {
      const [left, right] = [2 * i + 1, 2 * i + 2]
      let least = i
      if (left < heap.length && earlier(heap[left]!, heap[least]!)) least = left
      if (right < heap.length && earlier(heap[right]!, heap[least]!)) least = right
      if (least === i) return first
      ;[heap[i], heap[least]] = [heap[least]!, heap[i]!]
      i = least
    }
  }

  run(ms: number): void {
    const until = this.now + ms
    while (this.#events.length > 0 && this.#events[0]!.at <= until) {
      const { at, act } = this.#next()
      this.now = at
      act()
    }
    this.now = until
  }

  /** In the line for `min..max` base slots. */
  wait(min: number, max: number, priority: number, admitted: (slots: number) => void): () => void {
    const id = ++this.#ids
    this.#waiting.set(id, { id, min, max, priority, order: id, since: this.now, admitted })
    this.wake()
    return () => {
      this.#waiting.delete(id)
      this.wake()
    }
  }

  get waiting(): number {
    return this.#waiting.size
  }

  add({ base = 1, priority = 0, weight = 1, max = null }: MemberOptions, draws: boolean): Member {
    const member = new Member(this, ++this.#ids, { base, priority, weight, max }, draws)
    this.members.set(member.id, member)
    this.wake()
    return member
  }

  remove(member: Member): void {
    this.members.delete(member.id)
    this.wake()
  }

  wake(): void {
    if (this.#planned) return
    this.#planned = true
    this.after(EVENT_MS, () => {
      this.#planned = false
      this.#plan()
    })
  }

  state(): PlanState {
    const { now, capacity, heldBack, limit } = this
    const members = [...this.members.values()].map((member) => member.plain())
    const waiters = [...this.#waiting.values()].map(({ admitted, ...waiter }) => waiter)
    return { now, capacity, heldBack, members, waiters, ...(limit === undefined ? {} : { limit }) }
  }

  #plan(): void {
    const all = this.now - this.#lookedAt >= this.lookMs
    if (all) this.#lookedAt = this.now
    for (const member of this.members.values()) if (all || member.changed) member.look()
    let rounds = 0
    for (;;) {
      this.plans++
      this.last = plan(this.state())
      if (this.last.moves.length === 0) break
      if (++rounds > 20) throw new Error(`no end of moves: ${JSON.stringify([this.state(), this.last.moves])}`)
      for (const move of this.last.moves) this.#make(move)
    }
    for (const [id, level] of this.last.watch) this.members.get(id)!.watch = level
    const { lookAt } = this.last
    const token = {}
    this.#wake = token
    if (lookAt === null) return
    if (lookAt <= this.now) throw new Error(`to look at ${lookAt}, and it is ${this.now}`)
    this.after(Math.ceil(lookAt - this.now), () => {
      if (this.#wake === token) this.#plan()
    })
  }

  #make(move: Plan['moves'][number]): void {
    this.moves++
    this.kinds.set(move.do, (this.kinds.get(move.do) ?? 0) + 1)
    if (move.do === 'admit') {
      const { admitted } = this.#waiting.get(move.waiter)!
      this.#waiting.delete(move.waiter)
      admitted(move.slots)
      this.#check('admitted')
      return
    }
    const member = this.members.get(move.member)!
    if (move.do === 'grant') {
      member.grant(move.tokens)
      this.#check('granted')
    } else if (move.do === 'take') member.takeBack(move.tokens, move.refused)
    else if (move.do === 'owe') member.owe(move.tokens)
    else member.visible = Math.min(member.visible, member.granted)
    member.look()
  }

  #check(what: string): void {
    if (this.used > this.capacity) throw new Error(`${what} ${this.used} of ${this.capacity}`)
  }

  get used(): number {
    return [...this.members.values()].reduce((sum, { base, granted }) => sum + base + granted, this.heldBack)
  }
}

interface Waiter {
  id: number
  min: number
  max: number
  priority: number
  order: number
  since: number
  admitted(slots: number): void
}

/** A member's FIFO, the addon's view of it, and what the owner remembers. */
export class Member {
  readonly id: number
  base: number
  readonly draws: boolean
  readonly options: Required<MemberOptions>
  granted = 0
  visible = 0
  debt = 0
  watch: 0 | 1 | 2 = 2
  habits: Habits
  changed = false
  /** What the owner knows. */
  seen = { granted: 0, visible: 0, debt: 0 }
  /** Called when tokens lie in the FIFO that did not before. */
  onTokens: () => void = () => {}
  readonly #pool: Pool
  #stirs = 0
  #stirsSeen = 0
  #armed = true
  #reported = 0

  constructor(pool: Pool, id: number, options: Required<MemberOptions>, draws: boolean) {
    this.#pool = pool
    this.id = id
    this.base = options.base
    this.options = options
    this.draws = draws
    this.habits = newcomer(pool.now)
  }

  get share(): number {
    return this.base + this.granted
  }

  plain() {
    const { id, base, draws, seen } = this
    const { priority, weight, max } = this.options
    return { id, base, draws, priority, weight, max, ...seen, ...this.habits }
  }

  // What the client does.

  take(): boolean {
    if (this.visible === 0) return false
    this.visible--
    this.#stir()
    return true
  }

  give(): void {
    if (this.debt > 0 && this.#pool.random() >= THREAD_LOSES) {
      this.debt--
      this.granted--
      this.#stirs++
      this.#pool.stirs++
      this.changed = true
      this.#pool.wake()
      return
    }
    this.visible++
    this.#stir()
    this.#pool.after(this.#pool.wakeMs(), () => this.onTokens())
    // Nobody was faster after all.
    this.#pool.after(2 * WAKE_MS, () => this.#pay())
  }

  hungry(): void {
    this.habits = asked(this.habits)
    this.#pool.wake()
  }

  #stir(): void {
    this.#pool.stirs++
    if (this.watch === 0 || !this.#armed) return
    this.#armed = false
    // As the addon does it: a look at once, and one when the watch is set again.
    this.#pool.after(WAKE_MS, () => this.#observe(true))
    this.#pool.after(REARM_MS, () => {
      this.#armed = true
      this.#observe(false)
    })
  }

  #observe(event: boolean): void {
    const moved = this.visible !== this.#reported
    this.#reported = this.visible
    if (event || moved) this.#stirs++
    if (this.watch === 2 ? !moved : this.watch !== 1 || this.visible > 0 || !(event || moved)) return
    this.changed = true
    this.#pool.wake()
  }

  #pay(): void {
    const paid = Math.min(this.debt, this.visible)
    if (paid === 0) return
    this.debt -= paid
    this.visible -= paid
    this.granted -= paid
    this.changed = true
    this.#pool.wake()
  }

  // What the owner does.

  look(): void {
    this.changed = false
    this.#reported = this.visible
    this.seen = { granted: this.granted, visible: this.visible, debt: this.debt }
    this.habits = looked(this.habits, this.visible, this.#pool.now)
    const times = this.#stirs - this.#stirsSeen
    this.#stirsSeen = this.#stirs
    if (times > 0) this.habits = stirred(this.habits, this.#pool.now, times)
  }

  grant(tokens: number): void {
    this.granted += tokens
    this.visible += tokens
    this.#reported = this.visible
    this.habits = granted(this.habits, this.#pool.now)
    this.#pool.after(this.#pool.wakeMs(), () => this.onTokens())
  }

  takeBack(tokens: number, asRefusal: boolean): void {
    const yielded = Math.min(tokens, this.visible)
    this.visible -= yielded
    this.granted -= yielded
    this.#reported = this.visible
    this.habits = withdrawn(this.habits, yielded)
    if (yielded > 0 && asRefusal) this.habits = refused(this.habits, this.#pool.now)
  }

  owe(tokens: number): void {
    this.debt = tokens
    this.#pay()
  }
}

const earlier = (a: { at: number; order: number }, b: { at: number; order: number }) =>
  a.at < b.at || (a.at === b.at && a.order < b.order)

/** mulberry32. */
export function generator(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
