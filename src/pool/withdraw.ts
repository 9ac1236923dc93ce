import { fill } from './fill.ts'
import type { Move, Share } from './plan.ts'
import type { Round } from './share-out.ts'

/** A claim that is older is collected from everyone: its first giver may be in a job of an hour. */
export const PATIENT_CLAIM_MS = 100

/** What was promised and is not free yet: first what lies visible, then debts. Cancels debts that are not needed. */
export function withdraw(shares: Share[], round: Round, now: number): { moves: Move[] } {
  let need = Math.max(0, round.kept - round.free)
  const moves: Move[] = []
  for (const idle of [true, false]) {
    const lying = shares.filter(({ appetite }) => appetite.idle === idle)
    need -= take(lying, need, moves)
  }
  const owed = new Map<Share, number>()
  for (const share of [...shares].sort(richestFirst)) {
    const tokens = Math.max(0, Math.min(need, share.appetite.held - share.target))
    need -= tokens
    owed.set(share, tokens)
  }
  collectFromAll(shares, round, now, owed)
  for (const [{ member }, tokens] of owed) {
    if (tokens !== member.debt) moves.push({ do: 'owe', member: member.id, tokens })
  }
  return { moves }
}

/** Evenly, so that each is left with something where that is possible. */
function take(lying: Share[], need: number, moves: Move[]): number {
  const vessels = lying.map(({ appetite, member, target, weight }) => {
    return { base: 0, weight, low: 0, high: Math.max(0, Math.min(appetite.visible, member.granted - target)) }
  })
  const total = vessels.reduce((sum, { high }) => sum + high, 0)
  const taken = Math.min(total, need)
  fill(total - taken, vessels).forEach((left, i) => {
    const { member, appetite } = lying[i]!
    const tokens = vessels[i]!.high - left
    if (tokens > 0) moves.push({ do: 'take', member: member.id, tokens, refused: appetite.left })
  })
  return taken
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
function collectFromAll(shares: Share[], { unserved }: Round, now: number, owed: Map<Share, number>): void {
  const old = unserved.filter(({ since }) => since + PATIENT_CLAIM_MS <= now)
  if (old.length === 0) return
  const slots = old.reduce((sum, claim) => sum + claim.slots, 0)
  const priority = Math.max(...old.map((claim) => claim.priority))
  for (const share of shares) {
    if (share.member.priority > priority) continue
    owed.set(share, Math.max(owed.get(share)!, Math.min(share.appetite.held, slots)))
  }
}
