import { closeSync, openSync, readlinkSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ancestorsOf, commandLine, descriptorTarget, hasOpen, parseStat, readProcess } from '../src/proc.ts'
import { childrenOf, start, tempDir, waitFor } from './support/processes.ts'

/** A line of /proc/PID/stat. */
const stat = (name: string, flags = 4194560) =>
  `123 (${name}) S 45 123 123 34816 200 ${flags} 1000 0 0 0 5 6 7 8 20 0 1 0 987654321 1000000 200 18446744073709551615\n`

describe('parseStat', () => {
  test.for(['sh', 'a b', ')', '(', ') S 1 (', 'x) S 9 9 9', '', 'new\nline', '\xff\xfe', 'fifteen letters', '((()))'])(
    'a program of the name %j',
    (name) => {
      expect(parseStat(stat(name))).toEqual({
        pid: 123,
        parent: 45,
        name,
        forkedOnly: false,
        ended: false,
        startTime: '987654321',
      })
    },
  )

  test('a fork that has not replaced its program', () => {
    expect(parseStat(stat('sh', 4194560 | 0x40))).toMatchObject({ forkedOnly: true })
    expect(parseStat(stat('sh', 0x40))).toMatchObject({ forkedOnly: true })
    expect(parseStat(stat('sh', 0x80))).toMatchObject({ forkedOnly: false })
  })

  test('a zombie has ended, and keeps its start', () => {
    for (const state of ['Z', 'X']) {
      const text = stat('S Z').replace(') S ', `) ${state} `)
      expect(parseStat(text)).toMatchObject({ name: 'S Z', ended: true, startTime: '987654321' })
    }
    for (const state of ['R', 'S', 'D', 'T', 't', 'I']) {
      expect(parseStat(stat('Z').replace(') S ', `) ${state} `))).toMatchObject({ ended: false })
    }
  })

  test.for(['', 'nonsense', '1 (a', '1 a) S 1', ')(', '123 (sh) S', stat('sh').split(' ').slice(0, 15).join(' ')])(
    'not %j',
    (text) => {
      expect(parseStat(text)).toBeNull()
    },
  )
})

const pidsAbove = (pid: number) => [...ancestorsOf(pid)].map((entry) => entry.pid)

describe('the process table', () => {
  test('readProcess', async () => {
    const { pid, child, result } = start(['sleep', '60'])
    await waitFor(() => readProcess(pid)?.name === 'sleep')
    expect(readProcess(pid)).toEqual({
      pid,
      parent: process.pid,
      name: 'sleep',
      forkedOnly: false,
      ended: false,
      startTime: expect.stringMatching(/^\d+$/),
    })
    child.kill()
    await result
    expect(readProcess(pid)).toBeNull()
    expect(readProcess(-1)).toBeNull()
    expect(readProcess(Number.NaN)).toBeNull()
  })

  test('a subshell is a fork only; what it has started is not', async () => {
    const { pid } = start(['sh', '-c', '( sleep 60; : ) & wait'])
    await waitFor(() => childrenOf(pid).flatMap(childrenOf).length === 1)
    const [subshell] = childrenOf(pid)
    const [sleep] = childrenOf(subshell!)
    await waitFor(() => readProcess(sleep!)?.name === 'sleep')
    expect(readProcess(subshell!)).toMatchObject({ name: 'sh', forkedOnly: true, parent: pid })
    expect(readProcess(sleep!)).toMatchObject({ forkedOnly: false, parent: subshell })
    expect(pidsAbove(sleep!)).toEqual([subshell, pid, process.pid, ...pidsAbove(process.pid)])
  })

  test('ancestors end where nothing is above', () => {
    expect(pidsAbove(1)).toEqual([])
    expect(pidsAbove(-1)).toEqual([])
    expect(pidsAbove(process.pid)[0]).toBe(process.ppid)
  })

  test('commandLine', async () => {
    const { pid } = start(['sh', '-c', 'sleep 60; :', 'a b', ''])
    await waitFor(() => commandLine(pid)[0] === 'sh')
    expect(commandLine(pid)).toEqual(['sh', '-c', 'sleep 60; :', 'a b'])
    expect(commandLine(-1)).toEqual([])
  })

  test('what descriptors are open on', async () => {
    const dir = tempDir()
    const { pid } = start(['sh', '-c', 'sleep 60; :'], { cwd: dir })
    await waitFor(() => descriptorTarget(pid, 0) !== null)
    const pipe = descriptorTarget(pid, 1)
    expect(pipe).toBe(readlinkSync(`/proc/${pid}/fd/1`))
    expect(hasOpen(pid, pipe!)).toBe(true)
    const fd = openSync(dir, 'r')
    expect(descriptorTarget('self', fd)).toBe(dir)
    expect(hasOpen(process.pid, dir)).toBe(true)
    closeSync(fd)
    expect(hasOpen(process.pid, dir)).toBe(false)
    expect(hasOpen(pid, dir)).toBe(false)
    expect(hasOpen(-1, dir)).toBeNull()
    expect(descriptorTarget('self', 9999)).toBeNull()
  })
})
