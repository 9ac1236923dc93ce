import type { Round, Share } from './share-out.ts'
import type { Plan, PlanState } from './situation.ts'
import { PATIENT_CLAIM_MS } from './withdraw.ts'

/** What to look out for after the moves, and what a source of slots should know. */
export function followUp(state: PlanState, shares: Share[], round: Round): Omit<Plan, 'moves'> {
  const drawing = shares.filter(({ member }) => member.draws)
  const elastic = state.limit !== undefined
  const wanting = drawing.reduce((count, share) => count + Number(wantsMore(share)), 0)
  const short = round.waiting.length > 0 || round.kept > round.free
  const wantedByOthers = (share: Share): boolean => short || elastic || wanting > Number(wantsMore(share))
  const alone = drawing.length < 2 && !short && !elastic
  const watch = new Map<number, 0 | 1 | 2>()
  for (const share of drawing) {
    const { member } = share
    const level = alone ? 0 : wantedByOthers(share) || endless(share) ? 2 : 1
    if (level !== member.watch) watch.set(member.id, level)
  }
  return { lookAt: lookAt(state, drawing, round, wantedByOthers), ...demand(state, drawing, round), watch }
}

const wantsMore = ({ appetite, member, grant }: Share): boolean =>
  appetite.hungry !== null && appetite.tokens > member.granted + grant

/** It takes what it gets and has nothing left: its FIFO is found empty at each job end, which tells nothing new. */
const endless = ({ member, appetite, grant }: Share): boolean => appetite.visible + grant === 0 && member.refusals === 0

function lookAt(
  { now, limit }: PlanState,
  drawing: Share[],
  { unserved, gatherUntil }: Round,
  wantedByOthers: (share: Share) => boolean,
): number | null {
  const tokens = drawing.reduce((sum, { member, grant }) => sum + member.granted + grant, 0)
  let next = Number.POSITIVE_INFINITY
  const look = (time: number | null): void => {
    if (time !== null && time > now && time < next) next = time
  }
  for (const { since } of unserved) look(since + PATIENT_CLAIM_MS)
  look(gatherUntil)
  for (const share of drawing) {
    const { appetite, member, grant } = share
    if (appetite.until === null) continue
    // A token that lies is only looked at for someone else; a probe needs one of someone else's, or the source's.
    const useful = appetite.visible > 0 ? wantedByOthers(share) : limit !== undefined || tokens > member.granted + grant
    if (useful) look(appetite.until)
  }
  return next < Number.POSITIVE_INFINITY ? next : null
}

/** What is wanted, against what is free or lies unwanted; the moves change neither. */
function demand({ capacity, limit = capacity, ...state }: PlanState, drawing: Share[], round: Round) {
  const waited = state.waiters.reduce((sum, { min }) => sum + (min <= limit ? min : 0), 0)
  let [needed, useful] = [waited, 0]
  let have = round.free + round.admissions.reduce((sum, { slots }) => sum + slots, 0)
  for (const { member, appetite, grant } of drawing) {
    have += grant + appetite.idle
    if (appetite.hungry === null) continue
    const more = Math.min(appetite.room, appetite.tokens) - member.granted
    useful += more
    // Doubled at most: a source that others draw on too should not be emptied for one that needs little.
    needed += Math.min(more, Math.max(1, member.base + member.granted))
  }
  return { lack: Math.max(0, needed - have), spare: Math.max(0, have - waited - useful) }
}
