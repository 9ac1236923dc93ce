/** What is remembered of a member between plans: how it takes, leaves and returns tokens. */
export interface Habits {
  stirredAt: number
  refusals: number
  refusedAt: number
  grantedAt: number
  pace: number | null
  reaction: number
  /** How long it took, waiting for it or not. */
  delay: number
  asked: boolean
  /** Whether its client stirred at all since it joined. */
  known: boolean
  unused: number
  unusedUntil: number
  /** Least that lay visible in this stretch of time. */
  least: number
}

/** How long what lies visible is watched for tokens that are never used. */
const STRETCH_MS = 50

/** Of a pause in the work only so much is believed, and it is forgotten within a few stirs. */
const LONGEST_PACE_MS = 2_500
const FORGOTTEN = 0.2
/** Who takes a token later than that did not wait for it. */
const LONGEST_REACTION_MS = 100

export const newcomer = (now: number): Habits => {
  return {
    stirredAt: now,
    refusals: 0,
    refusedAt: now,
    grantedAt: now,
    pace: null,
    reaction: 0,
    delay: 0,
    asked: false,
    known: false,
    unused: 0,
    unusedUntil: now,
    least: 0,
  }
}

/** Its client took or returned a token, so many times since that was last noticed. */
export function stirred(habits: Habits, now: number, count = 1): Habits {
  // The addon's count begins anew some day.
  const times = Math.max(1, count)
  const interval = Math.min(LONGEST_PACE_MS, (now - habits.stirredAt) / times)
  // Near the longest of late: jobs that began together end together, with the intervals 0, 0, 0 and then a whole job.
  const pace = !habits.known ? null : Math.max(interval, (habits.pace ?? 0) * (1 - FORGOTTEN) ** times)
  const waited = now - habits.grantedAt
  const isFirst = habits.grantedAt > habits.stirredAt
  const isReaction = isFirst && waited <= LONGEST_REACTION_MS
  const reaction = isReaction ? Math.max(waited, habits.reaction * (1 - FORGOTTEN)) : habits.reaction
  const delay = isFirst ? Math.max(Math.min(waited, LONGEST_PACE_MS), habits.delay * (1 - FORGOTTEN)) : habits.delay
  return { ...habits, stirredAt: now, refusals: 0, pace, reaction, delay, known: true, asked: false }
}

/** To be called before each plan. */
export function looked(habits: Habits, visible: number, now: number): Habits {
  // Nothing lies there, and did not: that begins no new stretch, as it would for each of many that rest.
  if (visible === 0 && habits.least === 0 && habits.unused === 0) return habits
  const least = Math.min(habits.least, visible)
  if (now < habits.unusedUntil) return least === habits.least ? habits : { ...habits, least }
  return { ...habits, unused: least, least: visible, unusedUntil: now + STRETCH_MS }
}

/** It says itself that it waits for a token. */
export const asked = (habits: Habits): Habits => ({ ...habits, refusals: 0, asked: true })

export const granted = (habits: Habits, now: number): Habits => ({ ...habits, grantedAt: now })

export function withdrawn(habits: Habits, tokens: number): Habits {
  const unused = Math.max(0, habits.unused - tokens)
  return { ...habits, unused, least: Math.max(0, habits.least - tokens) }
}

/** What it had left lying was withdrawn. */
export const refused = (habits: Habits, now: number): Habits => {
  return { ...habits, refusals: habits.refusals + 1, refusedAt: now, asked: false }
}
