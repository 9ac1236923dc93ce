import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { findMarked } from '../../src/pool/survivors.ts'
import { readProcess } from '../../src/proc.ts'
import { start, waitFor } from '../support/processes.ts'

const mark = () => `test-${process.pid}/${Math.random().toString(36).slice(2)}`
const pids = (of: string) => findMarked(of).map(({ pid }) => pid)

describe.runIf(process.platform === 'linux')('findMarked', () => {
  test('finds processes by any of their marks, and whole ones only', async () => {
    const outer = mark()
    const inner = mark()
    const { pid } = start(['sleep', '60'], { env: { JOBSLOT_MEMBER: `${outer} ${inner}` } })
    const other = start(['sleep', '60'], { env: { JOBSLOT_MEMBER: `${outer}1 x${inner}`, OTHER: outer } })
    await waitFor(() => pids(outer).length > 0 && pids(`${outer}1`).length > 0)
    expect(findMarked(outer)).toEqual([{ pid, startTime: readProcess(pid)?.startTime }])
    expect(pids(inner)).toEqual([pid])
    expect(pids(`${outer}1`)).toEqual([other.pid])
    expect(pids(`${outer} ${inner}`)).toEqual([])
    expect(pids('')).toEqual([])
  })

  test('finds those whose parents have gone and who left their session', async () => {
    const own = mark()
    const { result } = start(['sh', '-c', 'setsid sleep 60 >/dev/null 2>&1 & exit 0'], { env: { JOBSLOT_MEMBER: own } })
    await result
    await waitFor(() => pids(own).length === 1)
    for (const pid of pids(own)) process.kill(pid, 'SIGKILL')
    await waitFor(() => pids(own).length === 0)
  })

  test('passes over zombies', async () => {
    const own = mark()
    // The shell becomes a program that never asks how its child ended.
    start(['sh', '-c', 'sleep 0.2 & exec env -u JOBSLOT_MEMBER sleep 60'], { env: { JOBSLOT_MEMBER: own } })
    await waitFor(() => pids(own).length > 0)
    await waitFor(() => pids(own).length === 0)
  })

  test('finds a variable that stands behind a long environment', async () => {
    const own = mark()
    const long = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`LONG_${i}`, 'x'.repeat(20_000)]))
    const { pid } = start(['sleep', '60'], { env: { ...long, JOBSLOT_MEMBER: own } })
    await waitFor(() => pids(own).length > 0)
    expect(pids(own)).toEqual([pid])
  })

  test('finds more than there is room for at first', async () => {
    const own = mark()
    const script = 'i=0; while [ $i -lt 150 ]; do sleep 60 & i=$((i+1)); done; wait'
    start(['sh', '-c', script], { env: { JOBSLOT_MEMBER: own } })
    await waitFor(() => pids(own).length === 151)
    expect(new Set(pids(own)).size).toBe(151)
  })

  test('misses none that becomes another program meanwhile', async () => {
    const own = mark()
    const script = 'n=$1; [ $n -eq 0 ] && exec sleep 60; exec sh -c "$0" "$0" $((n-1))'
    start(['sh', '-c', script, script, '400'], { env: { JOBSLOT_MEMBER: own } })
    await waitFor(() => pids(own).length > 0)
    for (let i = 0; i < 300; i++) {
      expect(pids(own)).toHaveLength(1)
      if (i % 20 === 0) await sleep(1)
    }
  })

  test('takes some microseconds for each process', async () => {
    const own = mark()
    const child = spawn('sh', ['-c', 'i=0; while [ $i -lt 300 ]; do sleep 60 & i=$((i+1)); done; wait'], {
      detached: true,
      stdio: 'ignore',
      env: { ...process.env, JOBSLOT_MEMBER: own },
    })
    try {
      await waitFor(() => pids(own).length === 301)
      const times = Array.from({ length: 20 }, () => {
        const from = performance.now()
        findMarked(mark())
        return performance.now() - from
      }).sort((a, b) => a - b)
      // Some 3 us for each; the shortest, as others may have this machine busy.
      expect(times[0]).toBeLessThan(5)
    } finally {
      process.kill(-(child.pid as number), 'SIGKILL')
    }
  })
})
