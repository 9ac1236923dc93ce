import { appetiteOf, nextProbe } from './appetite.ts'
import { followUp } from './follow-up.ts'
import { type Share, shareOut } from './share-out.ts'
import type { Move, Plan, PlanState } from './situation.ts'
import { withdraw } from './withdraw.ts'

/**
 * Who is to get and to give what. Withdrawn tokens are granted by the next plan, so plan again after the moves were made,
 * until there are none. See docs/pools.md for the rules.
 */
export function plan(state: PlanState): Plan {
  const { now } = state
  const settledFrom = nextProbe(state.members)
  const shares = state.members.map((member): Share => {
    const appetite = appetiteOf(member, now, settledFrom)
    return { member, appetite, weight: usableWeight(member.weight), target: 0, grant: 0, promised: 0 }
  })
  const round = shareOut(state, shares)
  const moves: Move[] = shares
    .filter(({ member }) => member.draws && member.visible > member.granted)
    .map(({ member }) => ({ do: 'surplus', member: member.id }))
  moves.push(...withdraw(shares, round, now))
  for (const { waiter, slots } of round.admissions) moves.push({ do: 'admit', waiter: waiter.id, slots })
  for (const { member, grant } of shares) if (grant > 0) moves.push({ do: 'grant', member: member.id, tokens: grant })
  return { moves, ...followUp(state, shares, round) }
}

const usableWeight = (weight: number): number => (weight > 0 ? Math.max(1e-3, Math.min(weight, 1e6)) : 1)
