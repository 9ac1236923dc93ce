/** What a plan is made from and what it says. Times are milliseconds of a clock that never goes back. */

/** One who draws on the pool. */
export interface PlanMember {
  id: number
  /** Slots it holds without a token; they are never taken back. */
  base: number
  /** Tokens written to its FIFO and not withdrawn. */
  granted: number
  /** Tokens that lie in its FIFO. */
  visible: number
  /** Tokens that the addon's thread withdraws as they come. */
  debt: number
  /** A hungry member gets tokens before all of lower priority. */
  priority: number
  weight: number
  /** Most slots it may have, base included. */
  max: number | null
  /** Has a FIFO at all: an acquire has only its base. */
  draws: boolean
  /** When its client last took or returned a token by itself, or else when it joined. */
  stirredAt: number
  /**
   * How often tokens were withdrawn from it that it had left lying, since it last stirred. Endless for one that says
   * when it wants a token, and says so again while it waits: it is never probed.
   */
  refusals: number
  /** When the last of these was. */
  refusedAt: number
  /** When tokens were last granted to it: what came just now is not refused yet. */
  grantedAt?: number
  /** How long it took of late, at most, until it took what was granted. */
  reaction?: number
  /** How long what was granted lay there of late, at most, until it took some, whether it waited for it or not. */
  delay?: number
  /** Whether it said that it waits for a token, and has not stirred since. */
  asked?: boolean
  /** Milliseconds between two stirs of late; null while that is unknown. */
  pace?: number | null
  /** So many of the visible were never used of late, while others came and went. */
  unused?: number
  /** When `unused` will be found out anew. */
  unusedUntil?: number
  /** What the account reports of it at present. */
  watch?: 0 | 1 | 2
}

/** One who waits for its base. */
export interface PlanWaiter {
  id: number
  min: number
  max: number
  priority: number
  order: number
  /** Since when it waits; without it, it comes before every member that has nothing. */
  since?: number
}

export interface PlanState {
  capacity: number
  /** Slots that what is left of ended members still uses. */
  heldBack: number
  members: PlanMember[]
  waiters: PlanWaiter[]
  now: number
  /** Most that the capacity can become, where it comes from a source that can get more and give back. */
  limit?: number
}

export type Move =
  | { do: 'admit'; waiter: number; slots: number }
  | { do: 'grant'; member: number; tokens: number }
  /** What lies visible now, which may be fewer. `refused`: it was left lying; to be counted if any could be taken. */
  | { do: 'take'; member: number; tokens: number; refused: boolean }
  /** The debt from now on, in place of what it was. */
  | { do: 'owe'; member: number; tokens: number }
  /** More lies visible than was granted. */
  | { do: 'surplus'; member: number }

export interface Plan {
  moves: Move[]
  /** When to plan again though nothing happens. */
  lookAt: number | null
  /** Slots more that could be used now: for a source that can get more. */
  lack: number
  /** Slots free or lying visible that nobody is known to want: for a source that can give back. */
  spare: number
  /** What the account is to report of each member from now on, where that is new: see `Account.watch`. */
  watch: Map<number, 0 | 1 | 2>
}
