import type { Appetite } from './appetite.ts'
import { fill, type Precedence, type Vessel } from './fill.ts'
import type { PlanMember, PlanState, PlanWaiter } from './situation.ts'

/** A member as one round of planning sees it. */
export interface Share {
  member: PlanMember
  appetite: Appetite
  weight: number
  /** Tokens it should have. */
  target: number
  /** Tokens it is given at once. */
  grant: number
  /** Tokens kept for it of what is to come. */
  promised: number
}

/** How long one that wants `min..max` collects what lies idle, once it could have its `min`. */
const GATHER_MS = 20

/** A wait for a slot by one who has none: a waiter, or a hungry member without base and tokens. */
export interface Claim {
  since: number
  priority: number
  slots: number
}

export interface Round {
  admissions: { waiter: PlanWaiter; slots: number }[]
  /** Not promised to anyone; below zero where more is out than there should be. */
  free: number
  /** Promised, and still to come. */
  kept: number
  /** Claims that will be met by what is withdrawn. */
  unserved: Claim[]
  /** Waiters that stay in line, whatever for. */
  waiting: PlanWaiter[]
  /** When a collecting waiter takes what there is. */
  gatherUntil: number | null
}

/** Sets each member's target and grant, by priority: waiters and the starving in order, then the hungry by fair shares. */
export function shareOut(state: PlanState, shares: Share[]): Round {
  const slots = state.capacity - state.heldBack
  const bases = shares.reduce((sum, { member }) => sum + member.base, 0)
  const tokens = shares.reduce((sum, { member }) => sum + member.granted, 0)
  const round: Round = {
    admissions: [],
    free: slots - bases - tokens,
    kept: 0,
    unserved: [],
    waiting: [],
    gatherUntil: null,
  }
  const line = new Line(state, round, shares, Math.max(0, slots - bases))
  const waiters = [...state.waiters].sort((a, b) => b.priority - a.priority || a.order - b.order)
  const drawing = shares.filter(({ member }) => member.draws)
  for (const priority of levels(drawing, waiters)) {
    const peers = drawing.filter(({ member }) => member.priority === priority)
    line.keep(peers.filter(isJustServed))
    line.serve(
      waiters.filter((waiter) => waiter.priority === priority),
      peers.filter(isStarving),
    )
    line.feed(peers)
  }
  spread(round, drawing)
  return round
}

class Line {
  readonly #state: PlanState
  readonly #round: Round
  readonly #shares: Share[]
  /** Slots that are no one's base: what can be had, now or by withdrawal. */
  #budget: number
  /** What those who still wait ask for at least. */
  #behind: number
  #blocked = false

  constructor(state: PlanState, round: Round, shares: Share[], budget: number) {
    this.#state = state
    this.#round = round
    this.#shares = shares
    this.#budget = budget
    this.#behind = state.waiters.reduce((sum, { min }) => sum + (min <= this.#limit ? min : 0), 0)
  }

  get #limit(): number {
    return this.#state.limit ?? this.#state.capacity
  }

  /** A token that came just now is to be tried before it goes to the next who has none. */
  keep(served: Share[]): void {
    for (const share of served.slice(0, this.#budget)) {
      share.target = 1
      this.#budget--
    }
  }

  /** Those who wait longest come first, whether at the door or inside with nothing. */
  serve(waiters: PlanWaiter[], starving: Share[]): void {
    // No more than these can be served: of hundreds it is not worth while to put all in order.
    const hungry = first(starving, this.#budget, byService)
    for (const waiter of waiters) {
      const since = waiter.since ?? Number.NEGATIVE_INFINITY
      while (hungry[0] && lastServed(hungry[0]) < since) this.#start(hungry.shift()!)
      this.#admit(waiter)
    }
    for (const share of hungry) this.#start(share)
  }

  #admit(waiter: PlanWaiter): void {
    const { min, since = Number.NEGATIVE_INFINITY } = waiter
    const round = this.#round
    const available = round.free - round.kept
    // What can never be had, unless someone resizes the pool, keeps nobody else waiting.
    const stuck = this.#blocked || min > this.#limit
    if (min <= this.#limit) this.#behind -= min
    if (min > 0 && (stuck || available < min)) {
      round.waiting.push(waiter)
      if (stuck) return
      if (min <= this.#budget) this.#promise(waiter, min)
      // It needs what is others' base. Tokens can be withdrawn again when these left, so they are used meanwhile; the
      // next in line would not give its slot back and must not overtake.
      else this.#blocked = true
      return
    }
    // More than its least only of what nobody waits for.
    const atMost = (most: number) => Math.max(min, Math.min(waiter.max, most - this.#behind))
    const slots = atMost(available)
    const gathered = slots < waiter.max ? atMost(available + this.#idle()) : slots
    if (min > 0 && gathered > slots && this.#state.now < since + GATHER_MS) {
      round.waiting.push(waiter)
      round.gatherUntil = Math.min(round.gatherUntil ?? Number.POSITIVE_INFINITY, since + GATHER_MS)
      this.#promise(waiter, gathered)
      return
    }
    round.admissions.push({ waiter, slots })
    round.free -= slots
    this.#budget -= slots
  }

  #promise({ priority, since = Number.NEGATIVE_INFINITY }: PlanWaiter, slots: number): void {
    this.#round.kept += slots
    this.#budget -= slots
    this.#round.unserved.push({ since, priority, slots })
  }

  #start(share: Share): void {
    if (this.#budget < 1) return
    const round = this.#round
    this.#budget--
    share.target = 1
    if (round.free - round.kept >= 1) {
      share.grant = 1
      round.free--
    } else {
      round.kept++
      share.promised = 1
      round.unserved.push({ since: lastServed(share), priority: share.member.priority, slots: 1 })
    }
  }

  #idle(): number {
    return this.#shares.reduce((sum, { appetite }) => sum + appetite.idle, 0)
  }

  #target(peers: Share[]): void {
    const vessels = peers.map((share): Portion => portion(share, share.target, share.appetite.tokens))
    fill(this.#budget, vessels, byClaim).forEach((count, i) => {
      const share = peers[i]!
      this.#budget -= count - share.target
      share.target = count
    })
  }

  /** Fair shares of what is left, and of what is free at once. */
  feed(peers: Share[]): void {
    const round = this.#round
    if (this.#budget > 0) this.#target(peers)
    const has = ({ member, grant, promised }: Share) => member.granted + grant + promised
    const lacking = peers.filter((share) => share.target > has(share))
    const portions = lacking.map((share) => portion(share, has(share), share.target))
    fill(Math.max(0, round.free - round.kept), portions, byClaim).forEach((count, i) => {
      const share = lacking[i]!
      const more = count - portions[i]!.low
      round.free -= more
      share.grant += more
      // Whether it wants still more shows when it has taken what it gets now.
      if (share.grant === 0) round.kept += share.target - count
    })
  }
}

interface Portion extends Vessel {
  share: Share
}

const portion = (share: Share, low: number, high: number): Portion => {
  return { share, base: share.member.base, weight: share.weight, low, high: Math.max(low, high) }
}

/**
 * Among those who have equally much: who holds a token keeps it, or tokens would go to and fro for nothing; then who
 * wants one; then who has one lying. What must be given comes from whom it was asked already, or who stirs most often.
 */
const byClaim: Precedence<Portion> = (a, countA, b, countB) => {
  const rank = rankOf(a.share, countA)
  return (
    rank - rankOf(b.share, countB) ||
    (rank === HELD
      ? Number(a.share.member.debt > 0) - Number(b.share.member.debt > 0) ||
        a.share.member.stirredAt - b.share.member.stirredAt
      : 0) ||
    byService(a.share, b.share)
  )
}

const [HELD, WANTED, LYING] = [0, 1, 2]

function rankOf({ member, appetite }: Share, count: number): number {
  if (count < appetite.firm) return HELD
  return count < member.granted ? LYING : WANTED
}

const byService = (a: Share, b: Share): number => lastServed(a) - lastServed(b) || a.member.id - b.member.id

/** The first `count` in this order. */
function first<T>(items: T[], count: number, order: (a: T, b: T) => number): T[] {
  if (items.length <= 2 * count) return [...items].sort(order)
  const found: T[] = []
  for (const item of items) {
    if (found.length >= count) {
      if (count === 0 || order(item, found[count - 1]!) >= 0) continue
      found.pop()
    }
    let at = found.length
    while (at > 0 && order(item, found[at - 1]!) < 0) at--
    found.splice(at, 0, item)
  }
  return found
}

const isStarving = ({ member, appetite }: Share): boolean =>
  appetite.hungry !== null && member.base + member.granted === 0

const isJustServed = ({ member, appetite }: Share): boolean =>
  member.base === 0 && appetite.held === 0 && appetite.fresh

const lastServed = ({ member }: Share): number => Math.max(member.stirredAt, member.refusedAt)

/** Nobody wants what is left, as far as is known: it lies visible, as ninja asks only once and does not come back soon. */
function spread(round: Round, drawing: Share[]): void {
  const left = round.free - round.kept
  if (left <= 0) return
  const vessels = drawing.map((share) => {
    const low = share.appetite.visible + share.grant
    const room = Math.max(0, share.appetite.room - share.member.granted - share.grant)
    return { share, base: 0, weight: share.weight, low, high: low + room }
  })
  // Whoever was asked longest ago first: where there is less than one for each, what lies goes round.
  fill(left, vessels, (a, _a, b) => byService(a.share, b.share)).forEach((count, i) => {
    const more = count - vessels[i]!.low
    drawing[i]!.grant += more
    round.free -= more
  })
}

function levels(drawing: Share[], waiters: PlanWaiter[]): number[] {
  const all = new Set([...drawing.map(({ member }) => member.priority), ...waiters.map(({ priority }) => priority)])
  return [...all].sort((a, b) => b - a)
}
