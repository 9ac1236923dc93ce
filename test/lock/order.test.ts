import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Lock, locks, tryLock } from '../../src/lock.ts'
import { tempDir, waitFor } from '../support/processes.ts'
import { type Party, startParty, stillWaits } from './party.ts'

const waitersOf = (dir: string): number[] => (locks({ dir })[0]?.waiters ?? []).map(({ pid }) => pid)

/** Has them stand in line one after the other. */
async function lineUp(dir: string, parties: readonly Party[], options: object = {}): Promise<Promise<unknown>[]> {
  const waits: Promise<unknown>[] = []
  for (const party of parties) {
    const before = waitersOf(dir).length
    waits.push(party.lock('a', { dir, ...options }))
    await waitFor(() => waitersOf(dir).length === before + 1)
  }
  return waits
}

describe('20 processes that wait', { timeout: 60_000 }, () => {
  test('are served in the order in which they came, some of them killed in the line', async () => {
    const dir = tempDir()
    const parties = await Promise.all(Array.from({ length: 20 }, () => startParty()))
    const own = tryLock('a', { dir }) as Lock
    const served: number[] = []
    const waits = await lineUp(dir, parties)
    expect(waitersOf(dir)).toEqual(parties.map(({ pid }) => pid))
    // The head, two neighbours, the last, and some between.
    const killed = [0, 4, 5, 11, 19].map((i) => parties[i] as Party)
    await Promise.all(killed.map((party) => party.kill()))
    const living = parties.filter((party) => !killed.includes(party))
    expect(waitersOf(dir)).toEqual(living.map(({ pid }) => pid))
    const done = living.map(async (party) => {
      await waits[parties.indexOf(party)]
      served.push(party.pid)
      // One is killed when its turn has come, and the next is served as well.
      if (served.length === 8) await party.kill()
      else await party.release()
    })
    own.release()
    await Promise.all(done)
    expect(served).toEqual(living.map(({ pid }) => pid))
  })
})

test('a writer among endless overlapping readers is served in its turn', { timeout: 30_000 }, async () => {
  const dir = tempDir()
  const readers = await Promise.all([startParty(), startParty(), startParty()])
  const writer = await startParty()
  const place = JSON.stringify({ dir, shared: true })
  const reading = readers.map((party) =>
    party.do(`held.on = true; let count = 0
      let current = await lock('a', ${place})
      // Each holds the next before it gives back the last.
      while (held.on) {
        await sleep(5)
        const next = tryLock('a', ${place}) ?? (current.release(), current = null, await lock('a', ${place}))
        current?.release()
        current = next
        count++
      }
      current.release()
      return count`),
  )
  await waitFor(() => locks({ dir })[0]?.holders.length === 3)
  for (let round = 0; round < 5; round++) {
    await sleep(50)
    const began = performance.now()
    await writer.lock('a', { dir })
    expect(performance.now() - began).toBeLessThan(1000)
    expect(locks({ dir })[0]?.holders.map(({ pid }) => pid)).toEqual([writer.pid])
    await writer.release()
  }
  for (const party of readers) await party.do('held.on = false')
  for (const count of await Promise.all(reading)) expect(count).toBeGreaterThan(10)
})

test('readers do not pass a writer that waits, not by tryLock either; behind it they come in together', async () => {
  const dir = tempDir()
  const own = tryLock('a', { dir, shared: true }) as Lock
  const [writer, one, two] = (await Promise.all([startParty(), startParty(), startParty()])) as [Party, Party, Party]
  const [writes] = await lineUp(dir, [writer])
  const reads = await lineUp(dir, [one, two], { shared: true })
  expect(tryLock('a', { dir, shared: true })).toBeNull()
  expect(await stillWaits(Promise.race(reads))).toBe(true)
  own.release()
  await writes
  expect(await stillWaits(Promise.race(reads))).toBe(true)
  await writer.release()
  await Promise.all(reads)
  expect(locks({ dir })[0]?.holders).toHaveLength(2)
})

test('whoever gives back and asks again stands behind those who wait', async () => {
  const dir = tempDir()
  const other = await startParty()
  for (let round = 0; round < 20; round++) {
    const own = tryLock('a', { dir }) as Lock
    const [waits] = await lineUp(dir, [other])
    own.release()
    expect(tryLock('a', { dir })).toBeNull()
    await waits
    await other.release()
  }
})

describe('a process that is stopped', () => {
  test('while it holds the lock holds it, until it is killed', async () => {
    const dir = tempDir()
    const [holder, next] = (await Promise.all([startParty(), startParty()])) as [Party, Party]
    await holder.lock('a', { dir })
    holder.signal('SIGSTOP')
    const [waits] = await lineUp(dir, [next])
    expect(await stillWaits(waits as Promise<unknown>, 300)).toBe(true)
    await holder.kill()
    expect(await waits).toMatchObject({ abandonedBy: { pid: holder.pid } })
  })

  test('as the head of the line keeps its place: all behind it wait, until it goes on', async () => {
    const dir = tempDir()
    const own = tryLock('a', { dir }) as Lock
    const [head, next] = (await Promise.all([startParty(), startParty()])) as [Party, Party]
    const [headWaits, nextWaits] = await lineUp(dir, [head, next])
    head.signal('SIGSTOP')
    await sleep(50)
    own.release()
    expect(await stillWaits(nextWaits as Promise<unknown>, 2300)).toBe(true)
    expect(tryLock('a', { dir })).toBeNull()
    expect(locks({ dir })[0]).toMatchObject({ holders: [], waiters: [{ pid: head.pid }, { pid: next.pid }] })
    head.signal('SIGCONT')
    await headWaits
    await head.release()
    await nextWaits
  })

  test('as the head of the line, and then killed, delays nobody any more', async () => {
    const dir = tempDir()
    const own = tryLock('a', { dir }) as Lock
    const [head, next] = (await Promise.all([startParty(), startParty()])) as [Party, Party]
    const [, nextWaits] = await lineUp(dir, [head, next])
    head.signal('SIGSTOP')
    await sleep(50)
    own.release()
    await head.kill()
    expect(await nextWaits).toMatchObject({ abandonedBy: null })
  })
})
