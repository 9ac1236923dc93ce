import { describe, expect, test } from 'vitest'
import { asked, granted, type Habits, looked, newcomer, refused, stirred, withdrawn } from '../../src/plan/habits.ts'

const stirredAt = (habits: Habits, ...times: number[]): Habits => times.reduce((now, at) => stirred(now, at), habits)

describe('pace', () => {
  test('is unknown until a client has stirred twice', () => {
    expect(newcomer(0).pace).toBe(null)
    expect(stirredAt(newcomer(0), 500).pace).toBe(null)
    expect(stirredAt(newcomer(0), 500, 520).pace).toBe(20)
  })

  test('is near the longest interval of late, which is forgotten by and by', () => {
    const together = stirredAt(newcomer(0), 100, 200, 201, 202, 203)
    expect(together.pace).toBeCloseTo(51.2)
    expect(stirredAt(together, 300).pace).toBe(97)
    expect(stirredAt(newcomer(0), 100, 1e9).pace).toBe(2500)
  })

  test('is by how often it stirred, seen or not', () => {
    expect(stirred(stirred(newcomer(0), 100), 1100, 10).pace).toBe(100)
    expect(stirred(stirred(newcomer(0), 100), 1100, -5).pace).toBe(1000)
  })
})

describe('reaction', () => {
  const reactions = (...waits: number[]) => {
    let [habits, now] = [newcomer(0), 0]
    for (const wait of waits) {
      now += 1000
      habits = stirred(granted(habits, now), now + wait)
    }
    return habits.reaction
  }

  test('is the slowest of late', () => {
    expect(reactions(30)).toBe(30)
    expect(reactions(30, 1)).toBe(24)
    expect(reactions(1, 30)).toBe(30)
  })

  test('of who did not wait for it says nothing', () => {
    expect(reactions(500)).toBe(0)
    expect(reactions(30, 500)).toBe(30)
    expect(stirred(stirred(granted(newcomer(0), 10), 20), 90).reaction).toBe(10)
  })
})

describe('delay', () => {
  const delays = (...waits: number[]) => {
    let [habits, now] = [newcomer(0), 0]
    for (const wait of waits) {
      now += 10_000
      habits = stirred(granted(habits, now), now + wait)
    }
    return habits.delay
  }

  test('is the longest of late until it took what it was granted, waiting for it or not', () => {
    expect(delays(30)).toBe(30)
    expect(delays(700)).toBe(700)
    expect(delays(700, 1)).toBe(560)
    expect(delays(9000)).toBe(2500)
  })

  test('is not counted twice of one grant', () => {
    expect(stirred(stirred(granted(newcomer(0), 10), 20), 90).delay).toBe(10)
  })
})

describe('refusals', () => {
  const twice = refused(refused(newcomer(0), 10), 20)

  test('are counted until it stirs, or says that it waits', () => {
    expect(twice).toMatchObject({ refusals: 2, refusedAt: 20 })
    expect(stirred(twice, 30)).toMatchObject({ refusals: 0, asked: false })
    expect(asked(twice)).toMatchObject({ refusals: 0, asked: true })
    expect(refused(asked(twice), 30)).toMatchObject({ refusals: 1, asked: false })
    expect(granted(twice, 30)).toMatchObject({ refusals: 2, grantedAt: 30 })
  })
})

describe('unused', () => {
  const looks = (...visible: [number, number][]) =>
    visible.reduce((habits, [at, tokens]) => looked(habits, tokens, at), looked(newcomer(0), 5, 0))

  test('is the least that lay visible all the time of the last stretch', () => {
    expect(looks([10, 3], [30, 4], [49, 5]).unused).toBe(0)
    expect(looks([10, 3], [30, 4], [50, 5])).toMatchObject({ unused: 3, unusedUntil: 100 })
    expect(looks([10, 3], [50, 5], [60, 4], [100, 6]).unused).toBe(4)
    expect(looks([10, 0], [50, 5]).unused).toBe(0)
  })

  test('is fewer when some were withdrawn', () => {
    expect(withdrawn(looks([10, 3], [50, 5]), 2)).toMatchObject({ unused: 1, least: 3 })
    expect(withdrawn(looks([10, 3], [50, 5]), 9)).toMatchObject({ unused: 0, least: 0 })
  })
})
