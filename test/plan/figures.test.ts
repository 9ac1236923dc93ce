import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { acquire, idle, Make, Ninja, Process } from '../support/pool-clients.ts'
import { type Member, Pool } from '../support/pool-simulator.ts'

/** What comes of the plan where clients go on for a while: see `pool-simulator.ts`. */

const fixed = (ms: number, wide = 1000) => ({ wide, jobMs: () => ms })
const random = (pool: Pool, ms: number, wide = 1000) => ({ wide, jobMs: () => ms * (0.2 + 1.6 * pool.random()) })
const shares = (...builds: { member: Member }[]) => builds.map(({ member }) => member.share)

/** In the line for its base, as `run` is. */
const join = <T>(pool: Pool, start: () => T): { of: T | null; at: number } => {
  const joined = { of: null as T | null, at: 0 }
  pool.wait(1, 1, 0, () => {
    joined.of = start()
    joined.at = pool.now
  })
  return joined
}

describe('fair', () => {
  test.for([
    ['of 100 ms', () => () => fixed(100)],
    ['of random length', (pool: Pool) => () => random(pool, 100)],
  ] as const)('two endless makes and one that joins share 12 slots, and 6 after a resize: jobs %s', ([, works]) => {
    const pool = new Pool(12)
    const work = works(pool)
    const [a, b] = [new Make(pool, work()), new Make(pool, work())]
    pool.run(3000)
    expect(shares(a, b)).toEqual([6, 6])
    const c = join(pool, () => new Make(pool, work()))
    pool.run(500)
    expect(shares(a, b, c.of!)).toEqual([4, 4, 4])
    const moves = pool.moves
    pool.run(10_000)
    expect(shares(a, b, c.of!)).toEqual([4, 4, 4])
    expect(pool.moves).toBe(moves)
    pool.capacity = 6
    pool.wake()
    pool.run(500)
    expect(shares(a, b, c.of!)).toEqual([2, 2, 2])
    pool.capacity = 0
    pool.wake()
    pool.run(500)
    expect(shares(a, b, c.of!)).toEqual([1, 1, 1])
  })

  test('weights of 2 and 1, and of 0.2 and 0.1', () => {
    for (const part of [1, 0.1]) {
      const pool = new Pool(12)
      const heavy = new Make(pool, random(pool, 100), { weight: 2 * part })
      const light = new Make(pool, random(pool, 70), { weight: part })
      pool.run(3000)
      expect(shares(heavy, light)).toEqual([8, 4])
    }
  })

  test('a higher priority has all, within a job or two, and leaves what it cannot use', () => {
    const pool = new Pool(8)
    const low = new Make(pool, random(pool, 100))
    pool.run(1000)
    const high = new Make(pool, random(pool, 100), { priority: 1 })
    pool.capacity = 9
    pool.run(500)
    expect(shares(low, high)).toEqual([1, 8])
    high.work.wide = 4
    pool.run(1000)
    expect(low.running).toBeGreaterThanOrEqual(4)
    expect(high.running).toBe(4)
  })

  test.for([
    [100, 2000],
    [1000, 5000],
    [5000, 15_000],
  ] as const)('ninja, which asks only when one of its jobs of %d ms ends, has its share in %d ms', ([ms, within]) => {
    const pool = new Pool(12)
    const makes = [new Make(pool, random(pool, 100)), new Make(pool, random(pool, 100))]
    pool.run(1000)
    const ninja = join(pool, () => new Ninja(pool, random(pool, ms)))
    pool.run(within)
    expect(shares(...makes, ninja.of!)).toEqual([4, 4, 4])
    const used = ninja.of!.used
    pool.run(20_000)
    expect((ninja.of!.used - used) / 20_000).toBeGreaterThan(3.7)
  })

  test('processes, more than there are slots, take turns, and with acquires too', () => {
    const pool = new Pool(2)
    const processes = Array.from({ length: 5 }, () => new Process(pool, fixed(50, 3)))
    pool.run(10_000)
    const before = processes.map(({ done }) => done)
    expect(Math.min(...before)).toBeGreaterThan(0.9 * Math.max(...before))
    const waits: number[] = []
    const again = () =>
      acquire(pool, [1, 1], 50, (waited) => {
        waits.push(waited)
        again()
      })
    for (let i = 0; i < 5; i++) again()
    pool.run(10_000)
    const after = processes.map(({ done }, i) => done - before[i]!)
    expect(Math.min(...after)).toBeGreaterThan(25)
    expect(waits.length).toBeGreaterThan(100)
    expect(Math.max(...waits)).toBeLessThan(600)
  })
})

describe('nobody starves', () => {
  test('who comes is in within the shortest job of anyone, though the one with most is in a long one', () => {
    const pool = new Pool(12)
    new Make(pool, fixed(1e9))
    pool.run(10)
    // Of the other's tokens each comes from a debt that was paid before.
    const slow = [...pool.members.values()][0]!
    expect(slow.share).toBe(12)
    pool.capacity = 16
    const quick = new Make(pool, random(pool, 100))
    pool.run(2000)
    expect(quick.member.share).toBe(4)
    const third = join(pool, () => new Make(pool, random(pool, 100)))
    pool.run(400)
    expect(third.of).not.toBe(null)
    expect(slow.debt).toBeGreaterThan(0)
  })

  test('an acquire of many slots gets them in the length of a job, and the makes go on afterwards', () => {
    const pool = new Pool(12)
    const makes = [1, 2, 3].map(() => new Make(pool, random(pool, 100)))
    pool.run(1000)
    let waited = 0
    acquire(pool, [9, 9], 500, (ms) => {
      waited = ms
    })
    pool.run(400)
    expect(shares(...makes)).toEqual([1, 1, 1])
    pool.run(1000)
    expect(waited).toBeLessThan(250)
    expect(shares(...makes)).toEqual([4, 4, 4])
  })

  test('a low priority in line behind a busy higher one is next as soon as that rests', () => {
    const pool = new Pool(4)
    const high = new Make(pool, random(pool, 50), { priority: 1 })
    const low = join(pool, () => new Make(pool, random(pool, 50)))
    pool.run(2000)
    expect(low.of).toBe(null)
    high.work.wide = 2
    pool.run(300)
    expect(low.of).not.toBe(null)
  })

  test('a single idle token finds the one blocked reader among 50', () => {
    const pool = new Pool(51)
    for (let i = 0; i < 49; i++) idle(pool)
    const reader = new Make(pool, fixed(1e9))
    pool.run(1100)
    expect(reader.running).toBe(2)
  })

  test('and in a pool that has been quiet for long, within ten seconds; one of five within 1.1 s', () => {
    for (const [others, within] of [
      [49, 10_500],
      [4, 1100],
    ] as const) {
      const pool = new Pool(others + 2)
      const reader = new Make(pool, fixed(1e9, 1))
      for (let i = 0; i < others; i++) idle(pool)
      pool.run(60_000)
      reader.work.wide = 2
      reader.look()
      pool.run(within)
      expect(reader.running).toBe(2)
    }
  })
})

describe('no slot idle', () => {
  test.for([3, 4, 5, 12])('one busy and two idle members use 99 % of %d slots', (slots) => {
    const pool = new Pool(slots)
    const busy = new Make(pool, random(pool, 100))
    idle(pool)
    idle(pool)
    pool.run(2000)
    const used = busy.used
    pool.run(30_000)
    expect(((busy.used - used) / 30_000 + 2) / slots).toBeGreaterThan(0.99)
  })

  test('fifty idle members cost a busy one little', () => {
    const pool = new Pool(66)
    const busy = new Make(pool, random(pool, 100))
    for (let i = 0; i < 50; i++) idle(pool)
    pool.run(5000)
    const used = busy.used
    pool.run(30_000)
    expect((busy.used - used) / 30_000).toBeGreaterThan(15.5)
  })

  test.for([4, 5, 8])(
    'a member that rests costs a ninja, which is late for what comes back, 5 % of %d slots',
    (slots) => {
      const pool = new Pool(slots)
      const ninja = new Ninja(pool, random(pool, 1300))
      const other = new Make(pool, fixed(1e9, 1))
      pool.run(5000)
      const { used } = ninja
      pool.run(120_000)
      expect((ninja.used - used) / 120_000 / (slots - 1)).toBeGreaterThan(0.95)
      // It is found out all the same when that one has work again.
      other.work.wide = 100
      other.look()
      pool.run(5000)
      expect(other.member.share).toBeGreaterThanOrEqual(Math.floor(slots / 2))
    },
  )

  test('what one leaves, another has', () => {
    const pool = new Pool(8)
    const [a, b] = [new Make(pool, random(pool, 50)), new Make(pool, random(pool, 50))]
    pool.run(1000)
    for (let i = 0; i < 10; i++) {
      a.work.wide = 1
      pool.run(300)
      const { used } = b
      pool.run(300)
      expect((b.used - used) / 300).toBeGreaterThan(6.8)
      a.work.wide = 100
      a.look()
      // It has had its share before: the first probe tells that it wants it again.
      pool.run(1500)
      expect(shares(a, b)).toEqual([4, 4])
    }
  })

  test('a process that never uses some of its slots, busy as it is with the others', () => {
    const pool = new Pool(8)
    const quick = new Process(pool, random(pool, 4, 2))
    const busy = new Make(pool, random(pool, 50))
    pool.run(2000)
    const used = busy.used
    pool.run(5000)
    expect(quick.done).toBeGreaterThan(1000)
    expect((busy.used - used) / 5000).toBeGreaterThan(4.9)
  })
})

describe('no pumping', () => {
  test.for([
    ['two sleepers, nothing to spare', 2, 2, 0],
    ['two sleepers and one token', 3, 2, 10],
    ['two sleepers and two tokens', 4, 2, 0],
    ['fifty sleepers and one token', 51, 50, 11],
    ['fifty sleepers and twenty tokens', 70, 50, 11],
  ] as const)('%s', ([, slots, members, aSecond]) => {
    const pool = new Pool(slots)
    for (let i = 0; i < members; i++) idle(pool)
    pool.run(30_000)
    const { moves, plans } = pool
    pool.run(20_000)
    expect((pool.moves - moves) / 20).toBeLessThanOrEqual(aSecond)
    expect((pool.plans - plans) / 20).toBeLessThanOrEqual(3 * aSecond)
  })

  test('endless jobs cause no plans, for all that they do', () => {
    const pool = new Pool(12)
    for (let i = 0; i < 3; i++) new Make(pool, random(pool, 10))
    pool.run(5000)
    const { moves, plans } = pool
    pool.run(10_000)
    expect(pool.moves - moves).toBe(0)
    expect((pool.plans - plans) / 10).toBeLessThan(150)
  })
})

describe('slots of a source', () => {
  /** Gives what is lacking, takes back what can be spared. */
  function source(pool: Pool, limit: number): { taken: number } {
    const count = { taken: 0 }
    pool.capacity = 1
    pool.limit = limit
    const tick = () => {
      const { lack, spare } = pool.last
      const change = lack > 0 ? Math.min(lack, limit - pool.capacity) : -Math.min(spare, pool.capacity - 1)
      if (change > 0) count.taken += change
      pool.capacity += change
      if (change !== 0) pool.wake()
      pool.after(1, tick)
    }
    tick()
    return count
  }

  test.for([
    ['make', 20],
    ['make', 1000],
    ['ninja', 20],
    ['ninja', 1000],
  ] as const)('%s with jobs of %d ms has all it can use, and gives back what it cannot', ([kind, ms]) => {
    const pool = new Pool(1)
    const count = source(pool, 4)
    const build = new (kind === 'make' ? Make : Ninja)(pool, random(pool, ms))
    pool.run(10_000)
    const used = build.used
    pool.run(10_000)
    expect((build.used - used) / 10_000).toBeGreaterThan(3.95)
    build.work.wide = 1
    pool.run(15_000)
    const { taken } = count
    pool.run(10_000)
    expect(pool.capacity).toBe(1)
    expect(count.taken - taken).toBeLessThanOrEqual(11)
  })
})

type Step =
  | { do: 'make' | 'ninja' | 'idle' | 'process'; wide: number; ms: number; priority: number; max: number | null }
  | { do: 'acquire'; min: number; more: number; ms: number; priority: number }
  | { do: 'stop'; which: number; wide: number }
  | { do: 'widen'; which: number; wide: number }
  | { do: 'resize'; slots: number }
  | { do: 'hold'; slots: number }

const step = fc.oneof(
  fc.record({
    do: fc.constantFrom('make', 'ninja', 'idle', 'process'),
    wide: fc.constantFrom(0, 1, 2, 100),
    ms: fc.constantFrom(2, 20, 100, 500),
    priority: fc.constantFrom(0, 0, 1),
    max: fc.constantFrom(null, null, 0, 1, 3),
  }),
  fc.record({
    do: fc.constant('acquire'),
    min: fc.integer({ min: 1, max: 4 }),
    more: fc.integer({ min: 0, max: 4 }),
    ms: fc.constantFrom(5, 100, 500),
    priority: fc.constantFrom(0, 0, 1),
  }),
  fc.record({ do: fc.constantFrom('stop', 'widen'), which: fc.nat(20), wide: fc.constantFrom(0, 1, 2, 100) }),
  fc.record({ do: fc.constantFrom('resize', 'hold'), slots: fc.constantFrom(0, 1, 2, 4, 8) }),
) as fc.Arbitrary<Step>

const history = fc.record({
  seed: fc.integer({ min: 1, max: 1e6 }),
  slots: fc.integer({ min: 1, max: 10 }),
  steps: fc.array(fc.tuple(fc.constantFrom(1, 20, 150, 1000), step), { maxLength: 25 }),
})

describe('whatever the history', () => {
  // The simulator throws when more is given than there is, when planning finds no end, and when it looks back in time.
  test('the law holds, moves are in proportion, all comes to rest, and everyone has been served', () => {
    fc.assert(
      fc.property(history, ({ seed, slots, steps }) => {
        const pool = new Pool(slots, seed)
        const builds: (Make | Ninja)[] = []
        const sleepers: Member[] = []
        let acquiring = 0
        const start = (each: Step): void => {
          if (each.do === 'resize') pool.capacity = each.slots
          else if (each.do === 'hold') pool.heldBack = each.slots
          else if (each.do === 'acquire') {
            acquiring++
            acquire(pool, [each.min, each.min + each.more], each.ms, () => acquiring--, each.priority)
          } else if (each.do === 'stop' || each.do === 'widen') {
            const build = builds[each.which % Math.max(1, builds.length)]
            if (build) build.work.wide = each.do === 'stop' ? 0 : each.wide
            if (build instanceof Make) build.look()
          } else {
            const { wide, ms, priority, max } = each
            const options = { priority, max }
            if (each.do === 'process') builds.push(new Process(pool, random(pool, ms, wide), options))
            else {
              pool.wait(1, 1, priority, () => {
                if (each.do === 'idle') sleepers.push(idle(pool, options))
                else builds.push(new (each.do === 'make' ? Make : Ninja)(pool, random(pool, ms, wide), options))
              })
            }
          }
          pool.wake()
        }
        for (const [ms, each] of steps) {
          start(each)
          pool.run(ms)
        }
        expect(pool.moves).toBeLessThan(200 + 3 * pool.stirs + pool.now / 20)

        // All who came have room now, and end: whoever waits must get in.
        pool.capacity = 60
        pool.heldBack = 0
        pool.wake()
        for (let i = 0; i < 20; i++) {
          for (const build of builds) build.work.wide = 0
          pool.run(1000)
        }
        expect(acquiring).toBe(0)
        expect(pool.waiting).toBe(0)
        for (const { debt, visible, granted } of pool.members.values()) {
          expect(debt).toBe(0)
          expect(visible).toBe(granted)
        }
        const { moves } = pool
        pool.run(10_000)
        expect((pool.moves - moves) / 10).toBeLessThanOrEqual(11)
      }),
      { numRuns: 150 },
    )
  })
})
