/** What is remembered of a member between plans: how it takes, leaves and returns tokens. */
export interface Habits {
  stirredAt: number
  refusals: number
  refusedAt: number
  grantedAt: number
  pace: number | null
  /** Whether its client stirred at all since it joined. */
  known: boolean
}

/** Of a pause in the work only so much is believed, and it is forgotten within a few stirs. */
const LONGEST_PACE_MS = 2_500
const FORGOTTEN = 0.2

export const newcomer = (now: number): Habits => {
  return { stirredAt: now, refusals: 0, refusedAt: now, grantedAt: now, pace: null, known: false }
}

/** Its client took or returned a token. */
export function stirred(habits: Habits, now: number): Habits {
  const interval = Math.min(LONGEST_PACE_MS, now - habits.stirredAt)
  // Near the longest of late: jobs that began together end together, with the intervals 0, 0, 0 and then a whole job.
  const pace = !habits.known ? null : Math.max(interval, (habits.pace ?? 0) * (1 - FORGOTTEN))
  return { ...habits, stirredAt: now, refusals: 0, pace, known: true }
}

/** It says itself that it waits for a token. */
export const asked = (habits: Habits): Habits => ({ ...habits, refusals: 0 })

export const granted = (habits: Habits, now: number): Habits => ({ ...habits, grantedAt: now })

/** What it had left lying was withdrawn. */
export const refused = (habits: Habits, now: number): Habits => {
  return { ...habits, refusals: habits.refusals + 1, refusedAt: now }
}
