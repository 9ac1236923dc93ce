import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { FifoLock } from '../../src/client/fifo-lock.ts'
import { descriptorTarget } from '../../src/proc.ts'
import { cli } from '../support/cli.ts'
import { fifoJobserver } from '../support/jobserver.ts'
import { cpuOf, start, tempDir, waitFor } from '../support/processes.ts'

/** Two of these in one process exclude each other as those of two processes do: the lock is its description's. */
const handles = (count: number, path = join(tempDir(), 'folder', 'lock')) =>
  Array.from({ length: count }, () => new FifoLock(path))

/** How many descriptors of this process are open on files there, removed ones included. A wait's own may take a while. */
const openBelow = (folder: string) =>
  readdirSync('/proc/self/fd').filter((fd) => descriptorTarget('self', Number(fd))?.startsWith(`${folder}/`)).length

const never = new AbortController().signal

describe('a lock', () => {
  test('has one holder', () => {
    const [a, b] = handles(2) as [FifoLock, FifoLock]
    expect(a.isHeld).toBe(false)
    expect(a.tryLock()).toBe(true)
    expect(a.isHeld).toBe(true)
    expect(a.tryLock()).toBe(true)
    expect(b.tryLock()).toBe(false)
    expect(b.isHeld).toBe(false)
    a.unlock()
    expect(a.isHeld).toBe(false)
    expect(b.tryLock()).toBe(true)
    b.unlock()
    b.unlock()
  })

  test('leaves no file, no folder and no descriptor', async () => {
    const [a, b] = handles(2) as [FifoLock, FifoLock]
    a.tryLock()
    const waiting = b.lock(never)
    b.lend()
    expect(a.isLent()).toBe(true)
    b.takeBack()
    a.unlock()
    await waiting
    b.unlock()
    expect(existsSync(dirname(a.path))).toBe(false)
    await waitFor(() => openBelow(dirname(a.path)) === 0)
  })

  test('is handed to one of those who wait', async () => {
    const [first, ...others] = handles(5) as [FifoLock, ...FifoLock[]]
    first.tryLock()
    const served: FifoLock[] = []
    const all = others.map((lock) => lock.lock(never).then(() => served.push(lock)))
    await turn()
    expect(served).toEqual([])
    first.unlock()
    for (let i = 1; i <= others.length; i++) {
      await waitFor(() => served.length === i)
      expect(others.filter((lock) => lock.isHeld)).toEqual([served[i - 1]])
      served[i - 1]!.unlock()
    }
    await Promise.all(all)
    expect(existsSync(first.path)).toBe(false)
  })

  test('is free at once where nobody has it', async () => {
    const [a] = handles(1) as [FifoLock]
    await a.lock(never)
    expect(a.isHeld).toBe(true)
    a.unlock()
  })

  test('a wait ends with the reason of the signal', async () => {
    const [a, b] = handles(2) as [FifoLock, FifoLock]
    a.tryLock()
    const end = new AbortController()
    const waiting = b.lock(end.signal)
    await turn()
    end.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    expect(b.isHeld).toBe(false)
    await waitFor(() => openBelow(dirname(a.path)) === 1)
    a.unlock()
    expect(b.tryLock()).toBe(true)
    b.unlock()
  })

  test('outlives the removal of its file: whoever comes then makes a new one', () => {
    const [a, b, c] = handles(3) as [FifoLock, FifoLock, FifoLock]
    a.tryLock()
    rmSync(dirname(a.path), { recursive: true })
    expect(b.tryLock()).toBe(true)
    a.unlock()
    expect(c.tryLock()).toBe(false)
    b.unlock()
    expect(c.tryLock()).toBe(true)
    rmSync(dirname(a.path), { recursive: true })
    c.unlock()
    expect(existsSync(dirname(a.path))).toBe(false)
  })

  test.for<[string, (folder: string) => void]>([
    ['a file in the place of its folder', (folder) => writeFileSync(folder, '')],
    ['a folder in its place', (folder) => mkdirSync(join(folder, 'lock'), { recursive: true })],
  ])('cannot be had: %s', async ([, spoil]) => {
    const [a] = handles(1) as [FifoLock]
    spoil(dirname(a.path))
    expect(() => a.tryLock()).toThrow(expect.objectContaining({ code: 'ERR_JOBSLOT_STATE_DIR' }))
  })
})

describe('lending', () => {
  test('is told of while it lasts', () => {
    const [lender, second, other] = handles(3) as [FifoLock, FifoLock, FifoLock]
    expect(other.isLent()).toBe(false)
    lender.lend()
    expect(other.isLent()).toBe(true)
    second.lend()
    second.lend()
    lender.takeBack()
    expect(other.isLent()).toBe(true)
    second.takeBack()
    second.takeBack()
    expect(other.isLent()).toBe(false)
    expect(existsSync(dirname(other.path))).toBe(false)
  })

  test('whoever borrows can be told from those whom the lock is for', () => {
    const [lender, borrower, other] = handles(3) as [FifoLock, FifoLock, FifoLock]
    lender.lend()
    other.tryLock()
    expect(lender.isBorrowed()).toBe(false)
    other.unlock()
    borrower.tryLock()
    borrower.markBorrowed()
    expect(lender.isBorrowed()).toBe(true)
    borrower.unlock()
    expect(lender.isBorrowed()).toBe(false)
    lender.takeBack()
    expect(lender.isBorrowed()).toBe(false)
  })

  test('keeps the file while the lock itself comes and goes', async () => {
    const [lender, borrower, third] = handles(3) as [FifoLock, FifoLock, FifoLock]
    lender.lend()
    expect(borrower.tryLock()).toBe(true)
    const waiting = third.lock(never)
    await turn()
    borrower.unlock()
    await waiting
    expect(borrower.isLent()).toBe(true)
    lender.takeBack()
    third.unlock()
    expect(existsSync(lender.path)).toBe(false)
  })
})

describe('a holder that is killed', () => {
  test('frees the lock, and a wait for it has cost nothing', async () => {
    const JOBSLOT_DIR = tempDir()
    const { makeflags } = fifoJobserver(tempDir(), Buffer.from('+'))
    const holder = start([...cli, 'acquire', 'sleep', '60'], { env: { JOBSLOT_DIR, MAKEFLAGS: makeflags } })
    const files = () =>
      readdirSync(JOBSLOT_DIR, { recursive: true, encoding: 'utf8' }).filter((name) => /\d+-\d+$/.test(name))
    await waitFor(() => files().length === 1)
    const [lock] = handles(1, join(JOBSLOT_DIR, files()[0]!)) as [FifoLock]
    await waitFor(() => !lock.tryLock() || lock.unlock() !== undefined)
    const waiting = lock.lock(never)
    const before = cpuOf(process.pid)
    await new Promise((resolve) => setTimeout(resolve, 1000))
    expect(cpuOf(process.pid) - before).toBeLessThan(100)
    expect(lock.isHeld).toBe(false)
    process.kill(-holder.pid, 'SIGKILL')
    await waiting
    expect(lock.isHeld).toBe(true)
    lock.unlock()
  })
})

test('many that come and go, wait, give up and lend: never two at once, and all are served', async () => {
  const path = join(tempDir(), 'folder', 'lock')
  let holders = 0
  let most = 0
  let served = 0
  let gaveUp = 0
  const any = (below: number) => Math.floor(Math.random() * below)

  async function one(): Promise<void> {
    const lock = new FifoLock(path)
    for (let i = 0; i < 150; i++) {
      if (any(4) === 0) lock.lend()
      const end = new AbortController()
      if (any(3) === 0) setTimeout(() => end.abort(), any(3))
      try {
        if (any(3) > 0) await lock.lock(end.signal)
        else if (!lock.tryLock()) continue
      } catch {
        gaveUp++
        continue
      } finally {
        lock.takeBack()
      }
      holders++
      most = Math.max(most, holders)
      served++
      if (any(2) === 0) await turn()
      holders--
      lock.unlock()
    }
  }

  await Promise.all(Array.from({ length: 10 }, one))
  expect(most).toBe(1)
  expect(served).toBeGreaterThan(300)
  expect(gaveUp).toBeGreaterThan(0)
  expect(existsSync(dirname(path))).toBe(false)
  await waitFor(() => openBelow(dirname(path)) === 0)
})
