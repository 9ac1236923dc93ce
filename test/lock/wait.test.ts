import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { closeAllIdle } from '../../src/lock/handle.ts'
import { type Lock, lock, lockFile, locks, tryLock } from '../../src/lock.ts'
import { cpuOf, openFdCount, tempDir, waitFor } from '../support/processes.ts'
import { startParty, stillWaits } from './party.ts'

test('a lock that is free comes at once, also with a timeout of 0', async () => {
  const dir = tempDir()
  for (const timeout of [0, 1, 1000, Number.POSITIVE_INFINITY, undefined]) {
    const held = await lock('a', { dir, timeout })
    held.release()
  }
})

test('it comes when the holder gives it back', async () => {
  const dir = tempDir()
  const other = await startParty()
  await other.lock('a', { dir })
  const waiting = lock('a', { dir })
  expect(await stillWaits(waiting)).toBe(true)
  const released = performance.now()
  await other.release()
  const held = await waiting
  expect(performance.now() - released).toBeLessThan(500)
  expect(held.abandonedBy).toBeNull()
  held.release()
})

describe('a timeout', () => {
  test.each([0, -5, 1, 60])('of %d ms', async (timeout) => {
    const dir = tempDir()
    const held = tryLock('a', { dir }) as Lock
    const began = performance.now()
    await expect(lock('a', { dir, timeout })).rejects.toMatchObject({
      code: 'ERR_JOBSLOT_TIMEOUT',
      message: expect.stringMatching(/no lock a within \d+ ms/),
    })
    const took = performance.now() - began
    expect(took).toBeGreaterThanOrEqual(timeout)
    expect(took).toBeLessThan(timeout + 200)
    expect(locks({ dir })[0]?.waiters).toEqual([])
    held.release()
  })

  test('that is no number is refused', async () => {
    for (const timeout of [Number.NaN, '5', null]) {
      await expect(lock('a', { dir: tempDir(), timeout: timeout as never })).rejects.toThrow(TypeError)
    }
  })

  test('leaves no trace in the line: those behind are served', async () => {
    const dir = tempDir()
    const held = tryLock('a', { dir }) as Lock
    const gaveUp = lock('a', { dir, timeout: 50 })
    const next = lock('a', { dir, timeout: 5000 })
    await expect(gaveUp).rejects.toMatchObject({ code: 'ERR_JOBSLOT_TIMEOUT' })
    expect(await stillWaits(next)).toBe(true)
    held.release()
    ;(await next).release()
  })
})

describe('an abort', () => {
  test('that came before rejects with its reason, and takes nothing', async () => {
    const dir = tempDir()
    const reason = new Error('enough')
    await expect(lock('a', { dir, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    tryLock('a', { dir })?.release()
  })

  test('ends a wait with its reason, and those behind are served', async () => {
    const dir = tempDir()
    const held = tryLock('a', { dir }) as Lock
    const controller = new AbortController()
    const first = lock('a', { dir, signal: controller.signal })
    const second = lock('a', { dir })
    expect(await stillWaits(first)).toBe(true)
    controller.abort('enough')
    await expect(first).rejects.toBe('enough')
    expect(await stillWaits(second)).toBe(true)
    held.release()
    ;(await second).release()
  })

  test('by AbortSignal.timeout', async () => {
    const dir = tempDir()
    const held = tryLock('a', { dir }) as Lock
    await expect(lock('a', { dir, signal: AbortSignal.timeout(30) })).rejects.toMatchObject({ name: 'TimeoutError' })
    held.release()
  })

  test('after the lock was had does nothing', async () => {
    const dir = tempDir()
    const controller = new AbortController()
    const held = await lock('a', { dir, signal: controller.signal })
    controller.abort()
    expect(tryLock('a', { dir })).toBeNull()
    held.release()
  })

  test('at the moment of the grant: had or not, and never lost', { timeout: 60_000 }, async () => {
    const dir = tempDir()
    const other = await startParty()
    let had = 0
    let aborted = 0
    for (let round = 0; round < 150; round++) {
      await other.lock('a', { dir })
      const controller = new AbortController()
      const waiting = lock('a', { dir, signal: controller.signal })
      await sleep(3)
      const released = other.release()
      if (round % 3 === 0) await released
      else await sleep(Math.random() * 2)
      controller.abort('enough')
      try {
        const held = await waiting
        expect(tryLock('a', { dir })).toBeNull()
        held.release()
        had++
      } catch (error) {
        expect(error).toBe('enough')
        aborted++
      }
      await released
      // Whatever it was, the lock is free.
      ;(await lock('a', { dir, timeout: 1000 })).release()
    }
    expect(had + aborted).toBe(150)
    console.log(`of 150 grants ${had} were had and ${aborted} aborted`)
  })
})

test('each of many waits in one process ends, in the order in which they began', async () => {
  const dir = tempDir()
  const held = tryLock('a', { dir }) as Lock
  const order: number[] = []
  const waits = Array.from({ length: 30 }, async (_, i) => {
    const own = await lockFile(`${dir}/a`)
    order.push(i)
    own.release()
  })
  await sleep(20)
  held.release()
  await Promise.all(waits)
  expect(order).toEqual(Array.from({ length: 30 }, (_, i) => i))
})

test('two processes that take it in turns, without a pause, never stop', { timeout: 30_000 }, async () => {
  const dir = tempDir()
  const parties = await Promise.all([startParty(), startParty(), startParty()])
  const counts = await Promise.all(
    parties.map((party) =>
      party.do(`let count = 0, worst = 0
        for (const end = Date.now() + 2000; Date.now() < end; count++) {
          const began = performance.now()
          const held = await lock('a', { dir: ${JSON.stringify(dir)}, timeout: 5000 })
          worst = Math.max(worst, performance.now() - began)
          held.release()
        }
        return { count, worst }`),
    ),
  )
  for (const { count, worst } of counts) {
    expect(count).toBeGreaterThan(50)
    // A second look after 2 s would hide a wait that nobody ends.
    expect(worst).toBeLessThan(1500)
  }
})

test('waiting costs no processor time', { timeout: 30_000 }, async () => {
  const dir = tempDir()
  const [holder, head, second] = await Promise.all([startParty(), startParty(), startParty()])
  await holder.lock('a', { dir })
  const first = head.lock('a', { dir })
  await waitFor(() => locks({ dir })[0]?.waiters.length === 1)
  const next = second.lock('a', { dir })
  await waitFor(() => locks({ dir })[0]?.waiters.length === 2)
  await sleep(300)
  const before = [head, second, holder].map(({ pid }) => cpuOf(pid))
  await sleep(5000)
  const spent = [head, second, holder].map(({ pid }, i) => cpuOf(pid) - (before[i] as number))
  // The kernel counts in steps of 10 ms; an idle Node takes some by itself.
  for (const ms of spent) expect(ms).toBeLessThanOrEqual(30)
  await holder.release()
  await first
  await head.release()
  await next
})

test('a wait keeps the process alive; what is held does not', async () => {
  const dir = tempDir()
  const own = tryLock('a', { dir }) as Lock
  const waiting = await startParty()
  const asked = waiting.lock('a', { dir })
  const ended = waiting.end()
  expect(await stillWaits(ended, 500)).toBe(true)
  own.release()
  await asked
  // It holds the lock now, and has nothing to do.
  expect(await ended).toBe(0)
})

test('thousands of waits, timeouts and aborts leave no descriptor open', { timeout: 60_000 }, async () => {
  const dir = tempDir()
  const other = await startParty()
  const storming = other.do(`for (const end = Date.now() + 3000; Date.now() < end; ) {
    const held = await lock('a', { dir: ${JSON.stringify(dir)} })
    await sleep(1)
    held.release()
  }`)
  const rounds = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const ways = [
        lock('a', { dir }),
        lock('a', { dir, timeout: Math.random() * 4 }),
        lock('a', { dir, signal: AbortSignal.timeout(Math.ceil(Math.random() * 3)) }),
        lock('a', { dir, shared: true, timeout: 1 }),
        lock(['a', 'b'], { dir, timeout: 2 }),
      ]
      const ends = await Promise.allSettled(ways.map((way) => way.then((held) => held.release())))
      expect(ends[0]?.status).toBe('fulfilled')
      tryLock('a', { dir })?.release()
    }
  }
  await rounds(20)
  closeAllIdle()
  const before = openFdCount(process.pid)
  await rounds(150)
  await storming
  closeAllIdle()
  expect(openFdCount(process.pid)).toBe(before)
})
