import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { plan } from '../../src/plan/plan.ts'
import type { Move, PlanMember, PlanState } from '../../src/plan/situation.ts'

const NOW = 100_000

const ago = (max: number) =>
  fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max })).map((ms) => NOW - ms)

const anyMember = fc.record({
  base: fc.integer({ min: 0, max: 3 }),
  granted: fc.integer({ min: 0, max: 6 }),
  lying: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 8 })),
  debt: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 4 })),
  priority: fc.integer({ min: -1, max: 1 }),
  weight: fc.constantFrom(0.1, 0.5, 1, 1, 1, 2, 3),
  max: fc.oneof(fc.constant(null), fc.constant(null), fc.integer({ min: 0, max: 6 })),
  draws: fc.constantFrom(true, true, true, false),
  stirredAt: ago(9000),
  refusals: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 12 }), fc.constant(Number.POSITIVE_INFINITY)),
  refusedAt: ago(2000),
  grantedAt: ago(9000),
  pace: fc.constantFrom(null, 1, 20, 1000),
  unused: fc.integer({ min: 0, max: 2 }),
})

const anyWaiter = fc.record({
  min: fc.integer({ min: 0, max: 5 }),
  more: fc.integer({ min: 0, max: 3 }),
  priority: fc.integer({ min: -1, max: 1 }),
  since: ago(300),
})

/** Anything that may come from outside: what is out may be more than there is. */
const anyState = fc
  .record({
    capacity: fc.integer({ min: 0, max: 20 }),
    heldBack: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 25 })),
    members: fc.array(anyMember, { maxLength: 7 }),
    waiters: fc.array(anyWaiter, { maxLength: 4 }),
    limit: fc.oneof(fc.constant(undefined), fc.integer({ min: 0, max: 20 })),
  })
  .map(({ capacity, heldBack, members, waiters, limit }): PlanState => {
    return {
      ...{ capacity, heldBack, now: NOW },
      members: members.map(({ lying, ...rest }, i) => {
        const granted = rest.draws ? rest.granted : 0
        const visible = rest.draws ? Math.min(lying, granted + 2) : 0
        return { ...rest, id: i + 1, granted, visible, debt: rest.draws ? Math.min(rest.debt, granted) : 0 }
      }),
      waiters: waiters.map(({ more, ...rest }, i) => ({ ...rest, id: i + 101, order: i, max: rest.min + more })),
      ...(limit === undefined ? {} : { limit: Math.max(limit, capacity) }),
    }
  })

const usedOf = ({ members, heldBack }: PlanState) =>
  members.reduce((sum, { base, granted }) => sum + base + granted, heldBack)

/** The state after a move that succeeded. */
function after(state: PlanState, move: Move): PlanState {
  if (move.do === 'admit') {
    // One that draws might come before others at once, which is not what is looked at here.
    const nothing = { granted: 0, visible: 0, debt: 0, priority: 0, weight: 1, max: null, draws: false }
    const member = { ...nothing, id: move.waiter, base: move.slots, stirredAt: NOW, refusals: 0, refusedAt: NOW }
    const waiters = state.waiters.filter(({ id }) => id !== move.waiter)
    return { ...state, waiters, members: [...state.members, member] }
  }
  const change = (member: PlanMember): PlanMember => {
    const { granted, visible, refusals, unused = 0 } = member
    if (move.do === 'owe') return { ...member, debt: move.tokens }
    if (move.do === 'surplus') return { ...member, visible: granted }
    if (move.do === 'grant') {
      return { ...member, granted: granted + move.tokens, visible: visible + move.tokens, grantedAt: NOW }
    }
    const fewer = { granted: granted - move.tokens, visible: visible - move.tokens }
    const rest = { ...member, ...fewer, unused: Math.max(0, unused - move.tokens) }
    return move.refused ? { ...rest, refusals: refusals + 1, refusedAt: NOW } : rest
  }
  return { ...state, members: state.members.map((member) => (member.id === move.member ? change(member) : member)) }
}

const run = (property: fc.IProperty<[PlanState]>) => fc.assert(property, { numRuns: 1000 })
const sum = (moves: Move[], kind: Move['do']) =>
  moves.reduce((total, move) => total + (move.do === kind && 'tokens' in move ? move.tokens : 0), 0)

describe('whatever the state', () => {
  test('never more is given than is free', () => {
    run(
      fc.property(anyState, (state) => {
        let now = state
        for (const move of plan(state).moves) {
          const gives = move.do === 'grant' || (move.do === 'admit' && move.slots > 0)
          // Were the takes to fail, it must hold all the same.
          if (move.do === 'take') continue
          now = after(now, move)
          if (gives) expect(usedOf(now)).toBeLessThanOrEqual(state.capacity)
        }
      }),
    )
  })

  test('each move can be made, and none undoes another', () => {
    run(
      fc.property(anyState, (state) => {
        const { moves, lookAt, lack, spare, watch } = plan(state)
        const seen = new Map<number, Move['do'][]>()
        for (const move of moves) {
          if (move.do === 'admit') {
            const waiter = state.waiters.find(({ id }) => id === move.waiter)!
            expect(move.slots).toBeGreaterThanOrEqual(waiter.min)
            expect(move.slots).toBeLessThanOrEqual(waiter.max)
            continue
          }
          const member = state.members.find(({ id }) => id === move.member)!
          expect(member.draws).toBe(true)
          seen.set(member.id, [...(seen.get(member.id) ?? []), move.do])
          if (move.do === 'surplus') continue
          const visible = Math.min(member.visible, member.granted)
          expect(Number.isInteger(move.tokens)).toBe(true)
          expect(move.tokens).toBeGreaterThanOrEqual(move.do === 'owe' ? 0 : 1)
          if (move.do === 'take') expect(move.tokens).toBeLessThanOrEqual(visible)
          if (move.do === 'owe') expect(move.tokens).toBeLessThanOrEqual(member.granted - visible)
          if (move.do === 'owe') expect(move.tokens).not.toBe(member.debt)
          if (move.do === 'grant' && member.max !== null) {
            expect(member.base + member.granted + move.tokens).toBeLessThanOrEqual(member.max)
          }
        }
        for (const kinds of seen.values()) {
          expect(new Set(kinds).size).toBe(kinds.length)
          expect(kinds.includes('grant') && kinds.includes('take')).toBe(false)
        }
        if (lookAt !== null) expect(lookAt).toBeGreaterThan(NOW)
        expect(Math.min(lack, spare)).toBe(0)
        expect(lack).toBeLessThan(Number.POSITIVE_INFINITY)
        const drawing = state.members.filter(({ draws }) => draws).map(({ id }) => id)
        expect([...watch.keys()]).toEqual(drawing)
      }),
    )
  })

  test('made on its own state, it comes to rest and takes nothing back', () => {
    run(
      fc.property(anyState, (state) => {
        let now = state
        const [given, taken] = [new Set<number>(), new Set<number>()]
        for (let round = 0; ; round++) {
          expect(round).toBeLessThan(8)
          const { moves } = plan(now)
          if (moves.length === 0) return
          for (const move of moves) {
            now = after(now, move)
            if (move.do === 'grant') given.add(move.member)
            if (move.do === 'take') taken.add(move.member)
          }
          expect([...given].filter((id) => taken.has(id))).toEqual([])
        }
      }),
    )
  })

  test('at rest, all capacity is given to whoever may have it, unless it is kept for one who waits', () => {
    run(
      fc.property(anyState, (state) => {
        const rest = atRest(state)
        const free = rest.capacity - usedOf(rest)
        if (free <= 0 || rest.waiters.some(({ min }) => min <= rest.capacity)) return
        for (const { draws, max, base, granted } of rest.members) {
          if (draws) expect(max !== null && base + granted >= max).toBe(true)
        }
      }),
    )
  })

  test('nobody overtakes in the line', () => {
    run(
      fc.property(anyState, (state) => {
        // Who collects for an instant has its least kept, and lets others in meanwhile.
        const waiters = state.waiters.map((waiter) => ({ ...waiter, since: NOW - 50 }))
        const { moves } = plan({ ...state, waiters })
        const admitted = moves.flatMap((move) => (move.do === 'admit' ? [move.waiter] : []))
        const line = state.waiters
          .filter(({ min }) => min > 0 && min <= (state.limit ?? state.capacity))
          .sort((a, b) => b.priority - a.priority || a.order - b.order)
        const left = line.findIndex(({ id }) => !admitted.includes(id))
        if (left >= 0) for (const { id } of line.slice(left)) expect(admitted).not.toContain(id)
      }),
    )
  })

  test('who comes for no slot comes in', () => {
    run(
      fc.property(anyState, (state) => {
        const admitted = plan(state).moves.flatMap((move) => (move.do === 'admit' ? [move.waiter] : []))
        for (const { id, min } of state.waiters) if (min === 0) expect(admitted).toContain(id)
      }),
    )
  })

  test('no more is withdrawn than is lacking, unless someone has waited for long', () => {
    run(
      fc.property(anyState, (state) => {
        const waiters = state.waiters.map((waiter) => ({ ...waiter, since: NOW }))
        const members = state.members.map((member) => ({ ...member, stirredAt: Math.max(member.stirredAt, NOW - 99) }))
        const rested = atRest({ ...state, members, waiters })
        const { moves } = plan({ ...rested, members: rested.members.map((member) => ({ ...member, debt: 0 })) })
        const wanted = rested.members.reduce((most, { draws, max, base, granted, visible, refusals }) => {
          if (!draws || visible > 0) return most
          return most + Math.min(max === null ? 99 : Math.max(0, max - base - granted), refusals > 0 ? 1 : 99)
        }, 0)
        const waited = rested.waiters.reduce((most, { min }) => most + min, 0)
        const over = Math.max(0, usedOf(rested) - rested.capacity)
        expect(sum(moves, 'owe') + sum(moves, 'take')).toBeLessThanOrEqual(wanted + waited + over)
      }),
    )
  })

  test('with all slots gone, all tokens are taken or owed', () => {
    run(
      fc.property(anyState, (state) => {
        const rest = atRest({ ...state, capacity: 0, limit: 0 })
        for (const { granted, visible, debt } of rest.members) {
          expect(visible).toBe(0)
          expect(debt).toBe(granted)
        }
      }),
    )
  })

  test('a debt whose reason is gone is cancelled', () => {
    run(
      fc.property(anyState, (state) => {
        const members = state.members.map((member) => ({ ...member, max: 0, refusals: 0 }))
        const rest = atRest({ ...state, members, waiters: [], capacity: 99, heldBack: 0 })
        for (const { debt } of rest.members) expect(debt).toBe(0)
      }),
    )
  })
})

function atRest(state: PlanState): PlanState {
  let now = state
  for (let round = 0; round < 8; round++) now = plan(now).moves.reduce(after, now)
  return now
}
