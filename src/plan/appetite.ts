import type { PlanMember } from './situation.ts'

/** How long a token lies there before it counts as not wanted: a blocked reader, or a busy make, has taken it by then. */
export const PROBE_MS = 10
const LONGEST_PROBE_MS = 100
const REACTIONS = 2
const NEWCOMER_MS = 250
const PACES = 2
const LONGEST_PATIENCE_MS = 5_000
/** Whoever stirs more often than that may always be about to take again what it has returned. */
const QUICK_MS = 10
const FIRST_BACKOFF_MS = 2
const LONGEST_BACKOFF_MS = 1_000
/** From so many refusals on a member is settled, and probes of all such go at a common pace. */
const SETTLED = 5
const TOGETHER_MS = 1
const PROBE_PAUSE_MS = { shortest: 50, longest: 200, quietShare: 1 / 50 }
/** A token of who takes it late is out of work for so long each time that it was lent for a probe. */
const PROBE_OF_LATE = { delays: 8, longestMs: 3_000 }

/** What a member could make use of, as far as can be known from outside. */
export interface Appetite {
  /** Tokens held by its tree. */
  held: number
  /** Tokens lying in its FIFO; what was returned beyond what was granted is not counted. */
  visible: number
  /** Tokens it may have at all, by its `max`. */
  room: number
  /** Most tokens it could use now: endless for who took all it got. */
  tokens: number
  /** Those of its tokens that stay with it while others have no less than it. */
  firm: number
  /** `probe`: it refused before, so one token will do to find out. */
  hungry: 'sure' | 'probe' | null
  /** What is visible was granted just now; otherwise it was `left` lying, or returned. */
  fresh: boolean
  left: boolean
  /** So many of the visible are not wanted. */
  idle: number
  /** When this changes though nothing happens. */
  until: number | null
}

/** `settledFrom`: the instant from which a settled member may be probed. */
export function appetiteOf(member: PlanMember, now: number, settledFrom: number): Appetite {
  const visible = Math.max(0, Math.min(member.visible, member.granted))
  const held = Math.max(0, member.granted - visible)
  const room = !member.draws
    ? 0
    : member.max === null
      ? Number.POSITIVE_INFINITY
      : Math.max(0, member.max - member.base)
  const appetite: Appetite = {
    held,
    visible,
    room,
    tokens: Math.min(room, held),
    firm: held,
    hungry: null,
    fresh: false,
    left: false,
    idle: 0,
    until: null,
  }
  if (visible > 0) rest(appetite, member, now)
  else if (held < room) hunger(appetite, member, now, settledFrom)
  return appetite
}

function rest(appetite: Appetite, member: PlanMember, now: number): void {
  const { stirredAt, grantedAt = Number.NEGATIVE_INFINITY, pace = null, unused = 0, unusedUntil = now } = member
  const returned = stirredAt > grantedAt
  const fresh = returned ? stirredAt : grantedAt + probeMs(member)
  const patient = returned ? stirredAt + PROBE_MS : Math.max(fresh, grantedAt + patienceMs(member))
  const quick = returned && pace !== null && pace < QUICK_MS
  appetite.fresh = now < fresh
  appetite.left = !appetite.fresh
  appetite.idle = now >= patient ? appetite.visible : quick ? Math.min(unused, appetite.visible) : 0
  const wanted = member.granted - appetite.idle
  appetite.tokens = Math.min(appetite.room, wanted)
  if (appetite.fresh) appetite.firm = wanted
  if (now >= patient) return
  appetite.until = appetite.fresh ? fresh : patient
  if (quick && unusedUntil > now) appetite.until = Math.min(appetite.until, unusedUntil)
}

/** Where the machine is overloaded, a blocked reader that was slow to wake up must not count as one that refuses. */
function probeMs({ refusals, reaction = 0, asked = false }: PlanMember): number {
  if (asked) return LONGEST_PROBE_MS
  const longer = refusals < SETTLED ? PROBE_MS * (1 + refusals) : PROBE_MS
  return Math.min(LONGEST_PROBE_MS, Math.max(longer, REACTIONS * reaction))
}

/** ninja comes for a token only when one of its jobs ends; a client that has not stirred yet may be starting still. */
function patienceMs({ refusals, pace = null }: PlanMember): number {
  if (refusals > 0) return 0
  return pace === null ? NEWCOMER_MS : Math.min(LONGEST_PATIENCE_MS, PACES * pace)
}

function hunger(appetite: Appetite, member: PlanMember, now: number, settledFrom: number): void {
  const again = member.refusals === 0 ? now : probeTime(member, settledFrom)
  if (now < again) {
    appetite.until = again
    return
  }
  appetite.hungry = member.refusals === 0 ? 'sure' : 'probe'
  appetite.tokens = member.refusals === 0 ? appetite.room : appetite.held + 1
}

function probeTime({ refusals, refusedAt }: PlanMember, settledFrom: number): number {
  // It says itself when it wants one.
  if (refusals === Number.POSITIVE_INFINITY) return refusals
  const backoff = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (refusals - 1))
  return refusals < SETTLED ? refusedAt + backoff : Math.max(refusedAt + backoff, settledFrom)
}

/**
 * When the next probe of a settled member is due. A pause after the last one that failed, for each that failed together,
 * and longer pauses the longer nobody stirred: an idle pool costs next to nothing, at the price of seconds where one of
 * very many members wakes up.
 */
export function nextProbe(members: PlanMember[]): number {
  const drawing = members.filter(({ draws }) => draws)
  const refusers = drawing.filter(({ refusals }) => refusals > 0)
  if (refusers.length === 0) return Number.NEGATIVE_INFINITY
  const refused = refusers.reduce((latest, { refusedAt }) => Math.max(latest, refusedAt), Number.NEGATIVE_INFINITY)
  const together = refusers.filter(({ refusedAt }) => refusedAt > refused - TOGETHER_MS).length
  const stirred = drawing.reduce((latest, { stirredAt }) => Math.max(latest, stirredAt), Number.NEGATIVE_INFINITY)
  const { shortest, longest, quietShare } = PROBE_PAUSE_MS
  // The pause is a share of the time from the last stir to the probe itself, not to this instant.
  const grown = (quietShare * (refused - stirred)) / (1 - quietShare)
  const pause = together * Math.min(longest, Math.max(shortest, grown))
  return refused + Math.max(pause, Math.min(PROBE_OF_LATE.longestMs, PROBE_OF_LATE.delays * leastDelay(drawing)))
}

/** Of those at work with tokens: one that is quick takes what another has no use for meanwhile. */
function leastDelay(drawing: PlanMember[]): number {
  const busy = drawing.filter(({ refusals, granted }) => refusals === 0 && granted > 0)
  const least = busy.reduce((least, { delay = 0 }) => Math.min(least, delay), Number.POSITIVE_INFINITY)
  return least < Number.POSITIVE_INFINITY ? least : 0
}
