import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type GovernorLimits, govern, type Readings } from '../../src/governor/governor.ts'

const none: Readings = { load: null, memoryAvailable: null, pressure: null }
const GiB = 1024 ** 3

const governed = (limits: GovernorLimits, readings: Partial<Readings>, slots: number, effective: number) =>
  govern({ limits, readings: { ...none, ...readings }, slots, effective })

const pressure = (memory: number | null, io: number | null, cpu: number | null = null) => ({
  pressure: { memory, io, cpu },
})

describe('one slot at a time', () => {
  test.for<[string, GovernorLimits, Partial<Readings>, number, number]>([
    ['load over its limit', { maxLoad: 4 }, { load: 4.1 }, 5, 4],
    ['load at its limit', { maxLoad: 4 }, { load: 4 }, 5, 5],
    ['load so near that one job more would be too many', { maxLoad: 4 }, { load: 3.5 }, 5, 5],
    ['load below', { maxLoad: 4 }, { load: 3 }, 5, 6],
    ['a load that nobody knows', { maxLoad: 4 }, {}, 5, 8],
    ['too little memory', { minMemory: 2 * GiB }, { memoryAvailable: 2 * GiB - 1 }, 5, 4],
    ['hardly enough memory', { minMemory: 2 * GiB }, { memoryAvailable: 2.1 * GiB }, 5, 5],
    ['enough memory', { minMemory: 2 * GiB }, { memoryAvailable: 2.2 * GiB + 1 }, 5, 6],
    ['pressure on memory', { maxPressure: 20 }, pressure(21, 0), 5, 4],
    ['pressure on I/O', { maxPressure: 20 }, pressure(0, 21), 5, 4],
    ['pressure on the CPU, which any build makes', { maxPressure: 20 }, pressure(0, 0, 99), 5, 6],
    ['pressure on the CPU, where that has a limit', { maxPressure: { cpu: 50 } }, pressure(99, 99, 51), 5, 4],
    ['pressure near its limit', { maxPressure: 20 }, pressure(17, 0), 5, 5],
    ['pressure of which one is unknown', { maxPressure: 20 }, pressure(null, 10), 5, 6],
    ['one over, one clear', { maxLoad: 4, minMemory: GiB }, { load: 1, memoryAvailable: 5 }, 5, 4],
    ['one near, one clear', { maxLoad: 4, minMemory: GiB }, { load: 4, memoryAvailable: 9 * GiB }, 5, 5],
    ['no limits', {}, { load: 99 }, 5, 8],
  ])('%s', ([, limits, readings, before, after]) => {
    expect(governed(limits, readings, 8, before).effective).toBe(after)
  })

  test('never below one, or none where there is none', () => {
    expect(governed({ maxLoad: 4 }, { load: 99 }, 8, 1).effective).toBe(1)
    expect(governed({ maxLoad: 4 }, { load: 99 }, 0, 3)).toEqual({ effective: 0, reason: null })
    expect(governed({ maxLoad: 4 }, { load: 0 }, 0, 0).effective).toBe(0)
  })

  test('never above the slots, whatever there was before', () => {
    expect(governed({ maxLoad: 4 }, { load: 0 }, 8, 8).effective).toBe(8)
    expect(governed({ maxLoad: 4 }, { load: 99 }, 8, 20).effective).toBe(7)
    expect(governed({ maxLoad: 4 }, { load: 99 }, 8, Number.POSITIVE_INFINITY).effective).toBe(7)
  })

  test('stays within one and the slots', () => {
    const figure = fc.option(fc.double({ min: 0, max: 1e12, noNaN: true }))
    fc.assert(
      fc.property(figure, figure, figure, fc.nat(99), fc.nat(120), (load, memoryAvailable, io, slots, effective) => {
        const limits = { maxLoad: 4, minMemory: 1e9, maxPressure: 10 }
        const readings = { load, memoryAvailable, pressure: { cpu: null, memory: null, io } }
        const after = govern({ limits, readings, slots, effective }).effective
        expect(after).toBeGreaterThanOrEqual(Math.min(1, slots))
        expect(after).toBeLessThanOrEqual(slots)
        if (effective <= slots && effective > 0 && load !== null) {
          expect(Math.abs(after - effective)).toBeLessThanOrEqual(1)
        }
      }),
    )
  })
})

describe('the reason', () => {
  test.for<[GovernorLimits, Partial<Readings>, string]>([
    [{ maxLoad: 4 }, { load: 9.26 }, 'load 9.3, at most 4'],
    [{ minMemory: 2 * GiB }, { memoryAvailable: 1.25 * GiB }, '1.3 GiB of memory available, at least 2 GiB'],
    [{ minMemory: 2000 }, { memoryAvailable: 0 }, '0 bytes of memory available, at least 2 KiB'],
    [{ maxPressure: 12.5 }, pressure(31, 40), 'memory pressure 31 %, at most 12.5 %'],
    [{ maxPressure: 20 }, pressure(1, 40), 'io pressure 40 %, at most 20 %'],
    [{ maxLoad: 4, maxPressure: 20 }, { load: 1, ...pressure(1, 40) }, 'io pressure 40 %, at most 20 %'],
  ])('%j', ([limits, readings, reason]) => {
    expect(governed(limits, readings, 8, 5).reason).toBe(reason)
  })

  test('is told while slots come back, and then no more', () => {
    expect(governed({ maxLoad: 4 }, { load: 1 }, 8, 6)).toEqual({ effective: 7, reason: 'load 1, at most 4' })
    expect(governed({ maxLoad: 4 }, { load: 1 }, 8, 7)).toEqual({ effective: 8, reason: null })
  })
})

describe('a pool of busy jobs and strangers', () => {
  /** The load follows the jobs, smoothed as the gauge does it. */
  function run(strangers: (tick: number) => number, ticks: number): number[] {
    let [effective, load] = [16, 0]
    return Array.from({ length: ticks }, (_, tick) => {
      load = 0.5 * (effective + strangers(tick)) + 0.5 * load
      effective = governed({ maxLoad: 16 }, { load }, 16, effective).effective
      return effective
    })
  }

  test('comes to rest at what is left, and has all again afterwards', () => {
    const history = run((tick) => (tick < 60 ? 10 : 0), 120)
    expect(new Set(history.slice(30, 60)).size).toBe(1)
    expect(history[59]).toBeGreaterThanOrEqual(5)
    expect(history[59]).toBeLessThanOrEqual(6)
    expect(history.at(-1)).toBe(16)
  })

  test('keeps one where strangers take everything', () => {
    expect(run(() => 99, 60).at(-1)).toBe(1)
  })
})
