import { fill } from './fill.ts'
import type { Round, Share } from './share-out.ts'
import type { Move } from './situation.ts'

/** A claim that is older is collected from everyone: its first giver may be in a job of an hour. */
export const PATIENT_CLAIM_MS = 100

/** What was promised and is not free yet: first what lies visible, then debts. Cancels debts that are not needed. */
export function withdraw(shares: Share[], round: Round, now: number): Move[] {
  const moves: Move[] = []
  const need = Math.max(0, round.kept - round.free)
  let owing = need > 0 ? need - take(shares, need, moves) : 0
  const everyone = collectedFromAll(round, now)
  const givers = shares.filter(
    ({ member, appetite, target }) =>
      member.debt > 0 || (everyone.slots > 0 && appetite.held > 0) || (owing > 0 && appetite.held > target),
  )
  for (const { member, appetite, target } of givers.sort(richestFirst)) {
    const fair = Math.max(0, Math.min(owing, appetite.held - target))
    owing -= fair
    const owed = member.priority > everyone.priority ? fair : Math.max(fair, Math.min(appetite.held, everyone.slots))
    if (owed !== member.debt) moves.push({ do: 'owe', member: member.id, tokens: owed })
  }
  return moves
}

/** What is idle before what is not. Evenly, so that each is left with something where that is possible. */
function take(shares: Share[], need: number, moves: Move[]): number {
  const lying = shares.filter(({ appetite, member, target }) => appetite.visible > 0 && member.granted > target)
  const taken = lying.map(() => 0)
  let left = need
  for (const most of [({ appetite }: Share) => appetite.idle, ({ appetite }: Share) => appetite.visible]) {
    const vessels = lying.map((share, i) => {
      const high = Math.max(0, Math.min(most(share), share.member.granted - share.target) - taken[i]!)
      return { base: 0, weight: share.weight, low: 0, high }
    })
    const total = vessels.reduce((sum, { high }) => sum + high, 0)
    const now = Math.min(total, left)
    fill(total - now, vessels).forEach((kept, i) => {
      taken[i]! += vessels[i]!.high - kept
    })
    left -= now
  }
  lying.forEach(({ member, appetite }, i) => {
    const tokens = taken[i]!
    const refused = appetite.left || tokens <= appetite.idle
    if (tokens > 0) moves.push({ do: 'take', member: member.id, tokens, refused })
  })
  return need - left
}

/** Lower priority before higher; then the largest share; then whom it was asked already, or who stirs most often. */
function richestFirst({ member: a, weight: weightA }: Share, { member: b, weight: weightB }: Share): number {
  return (
    a.priority - b.priority ||
    (b.base + b.granted) / weightB - (a.base + a.granted) / weightA ||
    Number(b.debt > 0) - Number(a.debt > 0) ||
    b.stirredAt - a.stirredAt ||
    a.id - b.id
  )
}

/** More than is needed may come in for an instant; it goes back to whoever then has least. */
function collectedFromAll({ unserved }: Round, now: number): { slots: number; priority: number } {
  const all = { slots: 0, priority: Number.NEGATIVE_INFINITY }
  for (const { since, slots, priority } of unserved) {
    if (since + PATIENT_CLAIM_MS > now) continue
    all.slots += slots
    all.priority = Math.max(all.priority, priority)
  }
  return all
}
