/** One who may be given slots by `fill`: from `low` of them, which it gets anyway, up to `high`. */
export interface Vessel {
  /** Counted into its level, but not given here. */
  base: number
  weight: number
  low: number
  high: number
}

/**
 * Which of two goes first when both are at the same level and have `countA` and `countB` already: negative for the first.
 */
export type Precedence<V extends Vessel> = (a: V, countA: number, b: V, countB: number) => number

// Levels are quotients: nothing finer than this tells two of them apart.
const SAME_LEVEL = 1e-9
const STEPS = 32

/**
 * Shares out as water does: whoever stands lowest, by (base + count) / weight, gets the next slot. Returns the counts,
 * `low` included, which is not taken from the budget.
 */
export function fill<V extends Vessel>(budget: number, vessels: V[], precedence?: Precedence<V>): number[] {
  const highs = vessels.map(({ low, high }) => Math.max(low, Math.min(high, low + Math.max(0, budget))))
  const total = vessels.reduce((sum, { low }, i) => sum + highs[i]! - low, 0)
  if (total <= budget) return highs
  const counts = uniform(budget, vessels, highs)
  let left = vessels.reduce((sum, { low }, i) => sum - counts[i]! + low, budget)
  while (left > 0) {
    const next = lowest(vessels, counts, highs)
    if (precedence && next.length > left) {
      next.sort((a, b) => precedence(vessels[a]!, counts[a]!, vessels[b]!, counts[b]!))
    }
    for (const i of next.slice(0, left)) counts[i]!++
    left -= next.length
  }
  return counts
}

/** What fits below the highest level (nearly) at which the budget suffices: leaves less than one slot for each. */
function uniform<V extends Vessel>(budget: number, vessels: V[], highs: number[]): number[] {
  const at = (level: number): number[] =>
    vessels.map(({ base, weight, low }, i) => Math.max(low, Math.min(highs[i]!, Math.ceil(level * weight - base))))
  let lower = Number.POSITIVE_INFINITY
  let upper = 0
  vessels.forEach(({ base, weight, low }, i) => {
    lower = Math.min(lower, (base + low) / weight)
    upper = Math.max(upper, (base + highs[i]!) / weight)
  })
  for (let step = 0; step < STEPS; step++) {
    const level = (lower + upper) / 2
    const used = at(level).reduce((sum, count, i) => sum + count - vessels[i]!.low, 0)
    if (used <= budget) lower = level
    else upper = level
  }
  // Whoever is at the very level of the last slots must not get one here: `precedence` is to decide.
  return at(lower - 2 * tolerance(lower))
}

const tolerance = (level: number): number => SAME_LEVEL * (1 + Math.abs(level))

/** Those with the lowest level of all that are not full. */
function lowest<V extends Vessel>(vessels: V[], counts: number[], highs: number[]): number[] {
  let least = Number.POSITIVE_INFINITY
  let found: number[] = []
  vessels.forEach(({ base, weight }, i) => {
    if (counts[i]! >= highs[i]!) return
    const level = (base + counts[i]!) / weight
    const difference = level - least
    if (found.length === 0 || difference < -tolerance(least)) {
      least = level
      found = [i]
    } else if (difference <= tolerance(least)) found.push(i)
  })
  return found
}
