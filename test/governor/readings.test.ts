import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { Gauge } from '../../src/governor/readings.ts'

const everything = { maxLoad: 1, minMemory: 1, maxPressure: 1 }
const MiB = 1024 ** 2

/** A machine of these files, whose clock stands still. */
function machine(files: Record<string, string>) {
  const clock = { now: 0 }
  const asked: string[] = []
  const read = (path: string) => {
    asked.push(path)
    return files[path] ?? null
  }
  return { files, clock, asked, gauge: new Gauge({ read, now: () => clock.now }) }
}

const loadavg = (running: number | string) => ({ '/proc/loadavg': `0.94 0.40 0.44 ${running}/180 10204\n` })
const meminfo = (kib: number | string) => ({
  '/proc/meminfo': `MemTotal:  999 kB\nMemAvailable:   ${kib} kB\nX: 1 kB\n`,
})
const stalled = (average: string, total: number | string) =>
  `some avg10=${average} avg60=0.10 avg300=0.05 total=${total}\nfull avg10=77.00 avg60=0.00 avg300=0.00 total=9\n`

describe('what there is no limit for', () => {
  test('is not read', () => {
    const { gauge, asked } = machine({ ...loadavg(3), ...meminfo(1) })
    expect(gauge.read({})).toEqual({ load: null, memoryAvailable: null, pressure: null })
    expect(gauge.read({ maxLoad: 1 })).toEqual({ load: 2, memoryAvailable: null, pressure: null })
    expect(asked).toEqual(['/proc/loadavg'])
  })
})

describe.runIf(process.platform === 'linux')('a machine that tells nothing', () => {
  test.for<[string, Record<string, string>]>([
    ['no files', {}],
    ['empty files', { '/proc/loadavg': '', '/proc/meminfo': '', '/proc/self/cgroup': '', '/proc/pressure/io': '' }],
    [
      'other text',
      { ...loadavg('x'), ...meminfo('x'), '/proc/self/cgroup': '::\n0\n0:', '/proc/pressure/io': 'some\n' },
    ],
    ['a cgroup without files', { '/proc/self/cgroup': '0::/a/b\n4:memory:/a\n' }],
  ])('%s', ([, files]) => {
    const pressure = { cpu: null, memory: null, io: null }
    expect(machine(files).gauge.read(everything)).toEqual({ load: null, memoryAvailable: null, pressure })
  })
})

describe('load', () => {
  test('is who runs but for the reader, smoothed', () => {
    const { gauge, files } = machine(loadavg(9))
    const load = () => gauge.read(everything).load
    expect(load()).toBe(8)
    Object.assign(files, loadavg(1))
    expect([load(), load(), load()]).toEqual([4, 2, 1])
    Object.assign(files, loadavg(0))
    expect(load()).toBe(0.5)
  })
})

describe('memory', () => {
  const available = (files: Record<string, string>) => machine(files).gauge.read(everything).memoryAvailable
  const unified = (current: number, max: string, more: Record<string, string> = {}) => ({
    '/proc/self/cgroup': '0::/box/inner\n',
    '/sys/fs/cgroup/box/memory.max': `${max}\n`,
    '/sys/fs/cgroup/box/memory.current': `${current * MiB}\n`,
    ...more,
  })

  test('is what the machine has available', () => {
    expect(available(meminfo(2048))).toBe(2 * MiB)
  })

  test('or what a cgroup above leaves, with what it can drop', () => {
    const stat = `anon 5\ninactive_file ${10 * MiB}\nactive_file ${5 * MiB}\nslab_reclaimable ${MiB}\n`
    expect(available({ ...meminfo(1e6), ...unified(90, String(100 * MiB)) })).toBe(10 * MiB)
    const withStat = unified(90, String(100 * MiB), { '/sys/fs/cgroup/box/memory.stat': stat })
    expect(available({ ...meminfo(1e6), ...withStat })).toBe(26 * MiB)
    expect(available({ ...meminfo(1024), ...withStat })).toBe(MiB)
    expect(available(withStat)).toBe(26 * MiB)
    expect(available({ ...withStat, '/sys/fs/cgroup/box/memory.high': `${80 * MiB}\n` })).toBe(6 * MiB)
    expect(available({ ...unified(150, String(100 * MiB)) })).toBe(0)
    expect(available({ ...meminfo(1e6), ...unified(90, 'max') })).toBe(1e6 * 1024)
  })

  test('the nearest limit of several cgroups', () => {
    const inner = {
      '/sys/fs/cgroup/box/inner/memory.max': `${50 * MiB}`,
      '/sys/fs/cgroup/box/inner/memory.current': `${45 * MiB}`,
    }
    expect(available(unified(90, String(100 * MiB), inner))).toBe(5 * MiB)
  })

  test('of cgroups of the first version', () => {
    expect(
      available({
        '/proc/self/cgroup': '4:memory:/box\n0::/\n',
        '/sys/fs/cgroup/memory/box/memory.limit_in_bytes': `${100 * MiB}\n`,
        '/sys/fs/cgroup/memory/box/memory.usage_in_bytes': `${90 * MiB}\n`,
        '/sys/fs/cgroup/memory/box/memory.stat': `inactive_file 1\ntotal_inactive_file ${7 * MiB}\n`,
      }),
    ).toBe(17 * MiB)
  })
})

describe('pressure', () => {
  test('is the share of the time since the last look; at first the average', () => {
    const { gauge, files, clock } = machine({ '/proc/pressure/io': stalled('12.50', 1_000_000) })
    const io = () => gauge.read(everything).pressure?.io
    expect(io()).toBe(12.5)
    files['/proc/pressure/io'] = stalled('12.50', 1_250_000)
    clock.now = 99
    expect(io()).toBe(12.5)
    clock.now = 1000
    expect(io()).toBe(25)
    clock.now = 2000
    expect(io()).toBe(0)
    files['/proc/pressure/io'] = stalled('12.50', 1_350_000)
    clock.now = 2200
    expect(io()).toBe(50)
    files['/proc/pressure/io'] = stalled('1.00', 5)
    clock.now = 3000
    expect(io()).toBe(0)
    files['/proc/pressure/io'] = stalled('1.00', 9_000_000)
    clock.now = 4000
    expect(io()).toBe(100)
  })

  test('is the worse of the machine’s and the cgroup’s own', () => {
    const { gauge } = machine({
      '/proc/self/cgroup': '3:cpu:/x\n0::/box\n',
      '/proc/pressure/memory': stalled('3.00', 1),
      '/proc/pressure/cpu': stalled('30.00', 1),
      '/sys/fs/cgroup/box/memory.pressure': stalled('40.00', 1),
      '/sys/fs/cgroup/box/cpu.pressure': stalled('4.00', 1),
    })
    expect(gauge.read(everything).pressure).toEqual({ cpu: 30, memory: 40, io: null })
  })
})

describe.runIf(existsSync('/proc/loadavg'))('this machine', () => {
  test('tells', () => {
    const { load, memoryAvailable, pressure } = new Gauge().read(everything)
    expect(load).toBeGreaterThanOrEqual(0)
    expect(memoryAvailable).toBeGreaterThan(MiB)
    if (existsSync('/proc/pressure/memory')) expect(pressure?.memory).toBeGreaterThanOrEqual(0)
  })
})
