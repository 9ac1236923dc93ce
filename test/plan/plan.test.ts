import { describe, expect, test } from 'vitest'
import { plan } from '../../src/plan/plan.ts'
import type { Move, PlanMember, PlanState, PlanWaiter } from '../../src/plan/situation.ts'

const NOW = 100_000

/** A member whose client stirred half a second ago and took all it got. */
function member(id: number, rest: Partial<PlanMember> = {}): PlanMember {
  return {
    ...{ id, base: 1, granted: 0, visible: 0, debt: 0, priority: 0, weight: 1, max: null, draws: true },
    ...{ stirredAt: NOW - 500, refusals: 0, refusedAt: NOW - 10_000, grantedAt: NOW - 600, pace: 100 },
    ...rest,
  }
}

/** One that has left lying what it has, or refused what it was offered. */
const sleeper = (id: number, visible: number, rest: Partial<PlanMember> = {}) =>
  member(id, { granted: visible, visible, refusals: 9, refusedAt: NOW - 100, stirredAt: NOW - 9000, ...rest })

const waiter = (id: number, min = 1, rest: Partial<PlanWaiter> = {}): PlanWaiter => {
  return { id, min, max: min, priority: 0, order: id, since: NOW - 10, ...rest }
}

function planned(capacity: number, members: PlanMember[], rest: Partial<PlanState> = {}) {
  return plan({ capacity, heldBack: 0, waiters: [], now: NOW, members, ...rest })
}

const moves = (capacity: number, members: PlanMember[], rest: Partial<PlanState> = {}): Move[] =>
  planned(capacity, members, rest).moves

const grant = (id: number, tokens: number): Move => ({ do: 'grant', member: id, tokens })
const owe = (id: number, tokens: number): Move => ({ do: 'owe', member: id, tokens })
const take = (id: number, tokens: number, refused: boolean): Move => ({ do: 'take', member: id, tokens, refused })
const admit = (id: number, slots: number): Move => ({ do: 'admit', waiter: id, slots })

describe('free slots', () => {
  test('all go to one that is alone', () => {
    expect(moves(8, [member(1)])).toEqual([grant(1, 7)])
  })

  test('are levelled, bases counted', () => {
    expect(moves(9, [member(1, { granted: 3 }), member(2)])).toEqual([grant(1, 1), grant(2, 3)])
  })

  test('go by weight', () => {
    expect(moves(12, [member(1, { weight: 2 }), member(2)])).toEqual([grant(1, 7), grant(2, 3)])
    expect(moves(5, [member(1, { weight: 0.5 }), member(2, { weight: 0.125 })])).toEqual([grant(1, 3)])
  })

  test('never exceed `max`, base included, even where that is less than the base', () => {
    expect(moves(8, [member(1, { max: 3 })])).toEqual([grant(1, 2)])
    expect(moves(8, [member(1, { base: 3, max: 2 }), member(2, { max: 0 })])).toEqual([])
  })

  test('go to a hungry one before one that has something visible', () => {
    expect(moves(8, [sleeper(1, 2), member(2, { granted: 2 })])).toEqual([grant(2, 2)])
    expect(moves(6, [sleeper(1, 2), member(2, { granted: 2 })])).toEqual([take(1, 2, true)])
  })

  test('lie visible, evenly, where nobody is hungry', () => {
    expect(moves(10, [sleeper(1, 3), sleeper(2, 0), sleeper(3, 0)])).toEqual([grant(2, 2), grant(3, 2)])
  })

  test('do not go to who only holds its base', () => {
    expect(moves(8, [member(1, { draws: false })])).toEqual([])
  })

  test.for([
    ['held back', 8, 5, [grant(1, 2)]],
    ['all held back', 8, 7, []],
    ['more held back than there are', 8, 20, []],
    ['no capacity', 0, 0, []],
  ] as const)('%s', ([, capacity, heldBack, expected]) => {
    expect(moves(capacity, [member(1)], { heldBack })).toEqual(expected)
  })
})

describe('who waits', () => {
  test('comes in with what it asked for, by priority, then in order', () => {
    const waiters = [waiter(3), waiter(2, 1, { priority: 1 }), waiter(1)]
    expect(moves(2, [], { waiters })).toEqual([admit(2, 1), admit(1, 1)])
  })

  test('has what is free kept until it is enough, and nobody overtakes it', () => {
    const waiters = [waiter(1, 4), waiter(2)]
    expect(moves(5, [member(9, { base: 0, granted: 3 })], { waiters })).toEqual([owe(9, 3)])
  })

  test('takes what is free, up to its most', () => {
    expect(moves(8, [member(9, { draws: false })], { waiters: [waiter(1, 1, { max: 4 })] })).toEqual([admit(1, 4)])
    expect(moves(3, [member(9, { draws: false })], { waiters: [waiter(1, 1, { max: 4 })] })).toEqual([admit(1, 2)])
  })

  test('leaves those behind it what they ask for at least', () => {
    const waiters = [waiter(1, 1, { max: 8 }), waiter(2, 2), waiter(3, 1, { max: 8 })]
    expect(moves(8, [], { waiters })).toEqual([admit(1, 5), admit(2, 2), admit(3, 1)])
  })

  test('collects what lies idle before it takes less than its most, for an instant', () => {
    const waiters = [waiter(1, 1, { max: 4 })]
    const { moves, lookAt } = planned(6, [sleeper(9, 4)], { waiters })
    expect(moves).toEqual([take(9, 3, true)])
    expect(lookAt).toBe(NOW + 10)
    const since = NOW - 20
    expect(planned(6, [sleeper(9, 4)], { waiters: [{ ...waiters[0]!, since }] }).moves).toEqual([admit(1, 1)])
  })

  test('gets what lies visible before debts are made', () => {
    expect(moves(4, [sleeper(1, 1), member(2, { granted: 1 })], { waiters: [waiter(3)] })).toEqual([take(1, 1, true)])
  })

  test('is owed by who has most, and tokens only', () => {
    const members = [member(1, { granted: 3 }), member(2, { granted: 1 })]
    expect(moves(6, members, { waiters: [waiter(3), waiter(4)] })).toEqual([owe(1, 2)])
    expect(moves(6, members, { waiters: [3, 4, 5, 6, 7].map((id) => waiter(id)) })).toEqual([owe(1, 3), owe(2, 1)])
  })

  test('collects from all when it has waited for long, as the first giver may be in a long job', () => {
    const members = [member(1, { granted: 3 }), member(2, { granted: 1 })]
    expect(planned(6, members, { waiters: [waiter(3)] }).lookAt).toBe(NOW + 90)
    expect(moves(6, members, { waiters: [waiter(3, 1, { since: NOW - 100 })] })).toEqual([owe(1, 1), owe(2, 1)])
  })

  test('leaves tokens at work while it needs the bases of others', () => {
    const members = [member(1), member(2)]
    expect(moves(4, members, { waiters: [waiter(3, 3), waiter(4)] })).toEqual([grant(1, 1), grant(2, 1)])
  })

  test('for more than there is keeps nobody waiting', () => {
    expect(moves(4, [], { waiters: [waiter(1, 5), waiter(2)] })).toEqual([admit(2, 1)])
    expect(moves(0, [], { waiters: [waiter(1)] })).toEqual([])
  })

  test('for more than there is now, and could be, does', () => {
    expect(planned(4, [], { waiters: [waiter(1, 5), waiter(2)], limit: 8 })).toMatchObject({ moves: [], lack: 2 })
  })

  test('for no slot comes in at once, even over capacity', () => {
    expect(moves(1, [member(9, { base: 2 })], { waiters: [waiter(1), waiter(2, 0)] })).toEqual([admit(2, 0)])
  })

  test('comes after hungry members of higher priority, and before those of lower', () => {
    const waiters = [waiter(3)]
    expect(moves(4, [member(1, { granted: 3, priority: 1 })], { waiters })).toEqual([])
    expect(moves(4, [member(1, { granted: 3, priority: -1 })], { waiters })).toEqual([owe(1, 1)])
  })

  test('shares its line with members that have nothing', () => {
    const nothing = { base: 0, stirredAt: NOW - 300 }
    const members = [member(1, { granted: 2 }), member(2, nothing)]
    const later = moves(4, members, { waiters: [waiter(3, 1, { since: NOW - 200 })] })
    expect(later).toEqual([owe(1, 1), grant(2, 1)])
    const sooner = moves(4, members, { waiters: [waiter(3, 1, { since: NOW - 400 })] })
    expect(sooner).toEqual([owe(1, 1), admit(3, 1)])
  })
})

describe('tokens from one member to another', () => {
  test('what lies idle is taken, and granted by the next plan', () => {
    expect(moves(7, [member(1, { granted: 2 }), sleeper(2, 3)])).toEqual([take(2, 3, true)])
    expect(moves(7, [member(1, { granted: 2 }), sleeper(2, 0)])).toEqual([grant(1, 3)])
  })

  test('only as much as is wanted, evenly', () => {
    expect(moves(10, [member(1, { max: 3 }), sleeper(2, 3), sleeper(3, 4)])).toEqual([take(3, 2, true)])
  })

  test('a busy one owes where it has two more, not where it has one', () => {
    expect(moves(7, [member(1, { granted: 4 }), member(2, { granted: 1 })])).toEqual([owe(1, 1)])
    expect(moves(7, [member(1, { granted: 3 }), member(2, { granted: 2 })])).toEqual([])
  })

  test('by weight, until the giver would be below the taker', () => {
    const [heavy, light] = [{ weight: 2 }, { weight: 1 }]
    expect(moves(12, [member(1, { ...heavy, granted: 6 }), member(2, { ...light, granted: 4 })])).toEqual([owe(2, 1)])
    expect(moves(13, [member(1, { ...heavy, granted: 7 }), member(2, { ...light, granted: 4 })])).toEqual([])
  })

  test('a debt is cancelled when nobody needs it', () => {
    const came = member(2, { granted: 1, visible: 1, grantedAt: NOW - 1 })
    expect(moves(7, [member(1, { granted: 4, debt: 1 }), came])).toEqual([owe(1, 0)])
    expect(moves(7, [member(1, { granted: 4, debt: 1 }), member(2, { granted: 1 })])).toEqual([])
  })

  test('the same one goes on owing as the shares of others are equal', () => {
    const members = [member(1, { granted: 3 }), member(2, { granted: 3, debt: 1 }), member(3, { granted: 1 })]
    expect(moves(10, members)).toEqual([])
  })

  test('a higher priority has all it can use, the others keep their base', () => {
    const high = member(2, { priority: 1, max: 3 })
    expect(moves(6, [member(1, { granted: 4 }), high])).toEqual([owe(1, 2)])
    expect(moves(6, [member(1, { granted: 4 }), { ...high, max: null }])).toEqual([owe(1, 4)])
    expect(moves(6, [member(1, { granted: 4 }), sleeper(2, 0, { priority: 1, refusedAt: NOW - 10 })])).toEqual([])
  })

  test('who has nothing gets one from one who has one, at its next job end', () => {
    const held = { base: 0, granted: 1 }
    const recent = member(3, { base: 0, stirredAt: NOW - 99 })
    const members = [member(1, { ...held, stirredAt: NOW - 50 }), member(2, held), recent]
    expect(moves(2, members)).toEqual([owe(1, 1)])
    expect(planned(2, members).lookAt).toBe(NOW + 1)
    const long = { ...recent, stirredAt: NOW - 100 }
    expect(moves(2, [members[0]!, members[1]!, long])).toEqual([owe(1, 1), owe(2, 1)])
  })

  test('what came just now is not taken for the next', () => {
    const fresh = { base: 0, granted: 1, visible: 1, grantedAt: NOW - 1 }
    const { moves, lookAt } = planned(1, [member(1, fresh), member(2, { base: 0, stirredAt: NOW - 9 })])
    expect(moves).toEqual([])
    expect(lookAt).toBe(NOW + 9)
    const left = { ...fresh, grantedAt: NOW - 10 }
    expect(planned(1, [member(1, left), member(2, { base: 0 })]).moves).toEqual([take(1, 1, true)])
  })

  test('a share within what is fair may lie as long as its client usually stays away', () => {
    const visiting = member(1, { granted: 2, visible: 1, grantedAt: NOW - 150 })
    const richer = member(2, { granted: 3 })
    expect(planned(7, [visiting, richer])).toMatchObject({ moves: [], lookAt: NOW + 50 })
    expect(moves(7, [{ ...visiting, grantedAt: NOW - 200 }, richer])).toEqual([take(1, 1, true)])
    expect(moves(7, [{ ...visiting, refusals: 1 }, richer])).toEqual([take(1, 1, true)])
    expect(moves(7, [{ ...visiting, granted: 4, visible: 3 }, member(2, { granted: 1 })])).toEqual([take(1, 2, true)])
  })

  test('what a client returned goes to an equal at once, to a richer one when it has not been taken again for a while', () => {
    const returned = member(1, { granted: 2, visible: 1, stirredAt: NOW - 9 })
    const [equal, richer] = [member(2, { granted: 1 }), member(2, { granted: 3 })]
    expect(moves(6, [{ ...returned, granted: 3 }, equal])).toEqual([take(1, 1, true)])
    expect(planned(7, [returned, richer])).toMatchObject({ moves: [], lookAt: NOW + 1 })
    expect(moves(7, [{ ...returned, stirredAt: NOW - 10 }, richer])).toEqual([take(1, 1, true)])
    const quick = { ...returned, pace: 2, unusedUntil: NOW + 0.5 }
    expect(planned(7, [quick, richer])).toMatchObject({ moves: [], lookAt: NOW + 0.5 })
    expect(moves(7, [{ ...quick, unused: 1 }, richer])).toEqual([take(1, 1, true)])
  })

  test.for<[string, number, Partial<PlanMember>]>([
    ['one that has refused none', 10, {}],
    ['one that has refused some', 30, { refusals: 2 }],
    ['one that has refused many', 10, { refusals: 5 }],
    ['one that was slow of late', 50, { reaction: 25 }],
    ['one that said that it waits', 100, { asked: true }],
  ])('what was granted lies for %s for %d ms', ([, ms, rest]) => {
    const probed = (ago: number) => member(1, { base: 0, granted: 1, visible: 1, ...rest, grantedAt: NOW - ago })
    const starving = member(2, { base: 0, stirredAt: NOW - 1 })
    expect(planned(1, [probed(ms - 1), starving])).toMatchObject({ moves: [], lookAt: NOW + 1 })
    expect(moves(1, [probed(ms), starving])).toEqual([take(1, 1, true)])
  })

  test('more than was granted is a surplus, and no grant', () => {
    expect(moves(2, [member(1, { granted: 1, visible: 3 })])).toEqual([{ do: 'surplus', member: 1 }])
  })
})

describe('probes', () => {
  const refuser = (refusals: number, ago: number) =>
    sleeper(1, 0, { refusals, refusedAt: NOW - ago, stirredAt: NOW - ago })

  test.for<[number, number]>([
    [1, 2],
    [2, 4],
    [4, 16],
  ])('after %d refusals one is due in %d ms', ([refusals, ms]) => {
    const idle = sleeper(2, 1, { refusals: 0, refusedAt: 0, grantedAt: NOW - 5000 })
    const early = planned(3, [refuser(refusals, ms - 1), idle])
    expect(early).toMatchObject({ moves: [], lookAt: NOW + 1 })
    expect(moves(3, [refuser(refusals, ms), idle])).toEqual([take(2, 1, true)])
  })

  test('those of settled members have a pause in common', () => {
    const idle = sleeper(2, 1, { refusedAt: NOW - 40, stirredAt: NOW - 20_000 })
    expect(planned(3, [sleeper(1, 0, { refusedAt: NOW - 5000, stirredAt: NOW - 20_000 }), idle])).toMatchObject({
      moves: [],
      lookAt: NOW + 160,
    })
  })

  test('and a longer one the longer nobody stirred', () => {
    const stirredAt = NOW - 40 - 4900
    const idle = sleeper(2, 1, { refusedAt: NOW - 40, stirredAt })
    const { lookAt } = planned(3, [sleeper(1, 0, { refusedAt: NOW - 5000, stirredAt }), idle])
    expect(lookAt).toBeCloseTo(NOW + 60)
    const busy = planned(3, [sleeper(1, 0, { refusedAt: NOW - 5000, stirredAt: NOW }), idle])
    expect(busy.lookAt).toBe(NOW + 10)
  })

  test('cost a busy one no more than one token, and only where it has two more', () => {
    expect(moves(12, [sleeper(1, 0, { refusedAt: NOW - 1000 }), member(2, { granted: 10 })])).toEqual([owe(2, 1)])
    expect(moves(3, [sleeper(1, 0, { refusedAt: NOW - 1000 }), member(2, { granted: 1 })])).toEqual([])
  })

  test('are none where each has something visible, or nobody has anything', () => {
    expect(planned(5, [sleeper(1, 1), sleeper(2, 2)])).toMatchObject({ moves: [], lookAt: null })
    expect(planned(2, [sleeper(1, 0), sleeper(2, 0)])).toMatchObject({ moves: [], lookAt: null })
  })
})

describe('less capacity', () => {
  test('what lies visible is taken, the rest is owed, most by who has most', () => {
    const members = [member(1, { granted: 5 }), sleeper(2, 2), member(3, { granted: 2 })]
    expect(moves(8, members)).toEqual([take(2, 2, true), owe(1, 2)])
  })

  test('none is left, but for the bases', () => {
    const members = [member(1, { granted: 5 }), sleeper(2, 2), member(3, { granted: 2, visible: 1 })]
    const all = [take(2, 2, true), take(3, 1, true), owe(1, 5), owe(3, 1)]
    expect(moves(0, members)).toEqual(all)
    expect(moves(8, members, { heldBack: 9 })).toEqual(all)
  })
})

describe('what to look out for', () => {
  const watched = (capacity: number, members: PlanMember[], rest: Partial<PlanState> = {}) =>
    [...planned(capacity, members, rest).watch].map(([, level]) => level)

  test.for<[string, number[], number, PlanMember[], Partial<PlanState>?]>([
    ['nothing of one that is alone', [0], 4, [member(1, { granted: 3 })]],
    ['nothing of one beside some that only hold slots', [0], 4, [member(1), member(2, { draws: false })]],
    ['all of one that is alone, for a source', [2], 4, [member(1, { granted: 3 })], { limit: 8 }],
    ['all while someone waits', [2], 4, [member(1, { granted: 3 })], { waiters: [waiter(2)] }],
    ['only emptiness where all have something visible', [1, 1], 6, [sleeper(1, 2), sleeper(2, 2)]],
    ['what others return to the hungry', [2, 2], 6, [member(1, { granted: 2 }), member(2, { granted: 2 })]],
    ['a taker of all it gets, of which emptiness tells nothing', [2, 2], 6, [member(1, { granted: 2 }), sleeper(2, 2)]],
  ])('%s', ([, levels, capacity, members, rest]) => {
    expect(watched(capacity, members, rest)).toEqual(levels)
  })
})

describe('for a source', () => {
  const of = (capacity: number, members: PlanMember[], rest: Partial<PlanState> = {}) => {
    const { lack, spare } = planned(capacity, members, { limit: 16, ...rest })
    return { lack, spare }
  }

  test('lacks are doubled at most, and one where it was refused', () => {
    expect(of(1, [member(1)])).toEqual({ lack: 1, spare: 0 })
    expect(of(4, [member(1, { granted: 3 })])).toEqual({ lack: 4, spare: 0 })
    expect(of(4, [member(1, { granted: 3, max: 5 })])).toEqual({ lack: 1, spare: 0 })
    expect(of(1, [sleeper(1, 0, { refusedAt: NOW - 1000 })])).toEqual({ lack: 1, spare: 0 })
    expect(of(1, [sleeper(1, 0, { refusedAt: NOW - 10 })])).toEqual({ lack: 0, spare: 0 })
  })

  test('waiters lack what they ask for at least', () => {
    expect(of(4, [member(1, { base: 4, draws: false })], { waiters: [waiter(2, 3, { max: 9 }), waiter(3)] }).lack).toBe(
      4,
    )
    expect(of(4, [], { waiters: [waiter(2, 16)] }).lack).toBe(12)
    expect(of(4, [], { waiters: [waiter(2, 17)] }).lack).toBe(0)
  })

  test('what lies unwanted can be spared, what may yet be taken cannot', () => {
    expect(of(4, [sleeper(1, 3)])).toEqual({ lack: 0, spare: 3 })
    expect(of(4, [member(1, { granted: 3, visible: 3, grantedAt: NOW - 5 })])).toEqual({ lack: 0, spare: 0 })
    expect(of(4, [member(1, { draws: false })])).toEqual({ lack: 0, spare: 3 })
    expect(of(4, [sleeper(1, 2), member(2)])).toEqual({ lack: 0, spare: 0 })
  })
})
