import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type Lock, lock, locks, tryLock } from '../../src/lock.ts'
import { tempDir } from '../support/processes.ts'
import { isFree, startParty, stillWaits } from './party.ts'

test('all or none: tryLock', () => {
  const dir = tempDir()
  const one = tryLock('b', { dir }) as Lock
  expect(tryLock(['a', 'b', 'c'], { dir })).toBeNull()
  for (const name of ['a', 'c']) expect(isFree(name, { dir }), name).toBe(true)
  one.release()
  const all = tryLock(['c', 'a', 'b'], { dir }) as Lock
  expect(all.names).toEqual(['a', 'b', 'c'])
  for (const name of ['a', 'b', 'c']) expect(tryLock(name, { dir })).toBeNull()
  all.release()
  expect(locks({ dir })).toEqual([])
})

test('all or none: a timeout, an abort', async () => {
  const dir = tempDir()
  const one = tryLock('b', { dir }) as Lock
  await expect(lock(['a', 'b', 'c'], { dir, timeout: 30 })).rejects.toMatchObject({
    code: 'ERR_JOBSLOT_TIMEOUT',
    message: 'no lock b within 30 ms',
  })
  const waiting = lock(['a', 'b', 'c'], { dir, signal: AbortSignal.timeout(30) })
  await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' })
  for (const name of ['a', 'c']) expect(isFree(name, { dir }), name).toBe(true)
  one.release()
})

test('a name that is given twice is one', async () => {
  const dir = tempDir()
  const held = await lock(['a', 'a', 'b', 'a'], { dir, timeout: 0 })
  expect(held.names).toEqual(['a', 'b'])
  held.release()
  const again = tryLock(['b', 'b'], { dir }) as Lock
  again.release()
})

test('an empty name, and names that need escapes, are names like others', async () => {
  const dir = tempDir()
  const names = ['', '/', '.', '..', 'A', 'a', '\0', '\ud800', 'x'.repeat(5000), '%', 'é']
  const held = await lock(names, { dir, timeout: 0 })
  expect([...held.names].sort()).toEqual([...names].sort())
  for (const name of names) expect(tryLock(name, { dir })).toBeNull()
  held.release()
  for (const name of names) expect(isFree(name, { dir }), name).toBe(true)
})

test('two processes that want them in opposite orders do not wait for each other', { timeout: 30_000 }, async () => {
  const dir = tempDir()
  const parties = await Promise.all([startParty(), startParty()])
  const orders = [
    ['a', 'b', 'c'],
    ['c', 'b', 'a'],
  ]
  const counts = await Promise.all(
    parties.map((party, i) =>
      party.do(`let count = 0
        for (const end = Date.now() + 1500; Date.now() < end; count++) {
          const held = await lock(${JSON.stringify(orders[i])}, { dir: ${JSON.stringify(dir)}, timeout: 5000 })
          if (count % 2) await sleep(1)
          held.release()
        }
        return count`),
    ),
  )
  for (const count of counts) expect(count).toBeGreaterThan(20)
})

test('shared, they are shared', () => {
  const dir = tempDir()
  const one = tryLock(['a', 'b'], { dir, shared: true }) as Lock
  const two = tryLock(['b', 'c'], { dir, shared: true }) as Lock
  expect(tryLock('b', { dir })).toBeNull()
  one.release()
  expect(tryLock('b', { dir })).toBeNull()
  two.release()
})

test('all of those whose holders died are told, each once', async () => {
  const dir = tempDir()
  const [one, two] = await Promise.all([startParty(), startParty()])
  await one.lock(['a', 'c'], { dir, label: 'one' })
  await two.lock('b', { dir, label: 'two' })
  await Promise.all([one.kill(), two.kill()])
  const held = await lock(['d', 'c', 'b', 'a'], { dir, timeout: 1000 })
  expect(held.abandoned).toMatchObject([
    { name: 'a', pid: one.pid, label: 'one' },
    { name: 'b', pid: two.pid, label: 'two' },
    { name: 'c', pid: one.pid, label: 'one' },
  ])
  expect(held.abandonedBy).toBe(held.abandoned[0])
  held.release()
  expect(tryLock(['a', 'b', 'c', 'd'], { dir })?.abandoned).toEqual([])
})

test.each([false, true])('who does not get all after all takes no report away: shared %s', async (shared) => {
  const dir = tempDir()
  const dead = await startParty()
  await dead.lock('a', { dir, label: 'dead', shared })
  await dead.kill()
  const busy = tryLock('b', { dir }) as Lock
  expect(tryLock(['a', 'b'], { dir, shared })).toBeNull()
  await expect(lock(['a', 'b'], { dir, shared, timeout: 20 })).rejects.toMatchObject({ code: 'ERR_JOBSLOT_TIMEOUT' })
  const other = await startParty()
  expect(await other.tryLock(['a', 'b'], { dir, shared })).toBeNull()
  expect(locks({ dir })).toMatchObject([
    { name: 'a', holders: [], waiters: [], abandoned: [{ pid: dead.pid, label: 'dead' }] },
    { name: 'b', abandoned: [] },
  ])
  expect(await other.tryLock('a', { dir, shared })).toMatchObject({
    abandonedBy: { pid: dead.pid, label: 'dead', shared },
  })
  await other.release()
  expect(tryLock('a', { dir })?.abandonedBy).toBeNull()
  busy.release()
})

test('those of a wait that was given up are removed', async () => {
  const dir = tempDir()
  const other = await startParty()
  await other.lock('b', { dir })
  const asker = await startParty()
  const waiting = asker.lock(['a', 'b'], { dir })
  expect(await stillWaits(waiting, 200)).toBe(true)
  expect(locks({ dir }).map(({ name, holders }) => [name, holders.map(({ pid }) => pid)])).toEqual([
    ['a', [asker.pid]],
    ['b', [other.pid]],
  ])
  await asker.kill()
  await other.end()
  // It held the first of them.
  expect(tryLock('a', { dir })?.abandonedBy).toMatchObject({ pid: asker.pid })
  expect(readdirSync(dir)).toContain('a')
})
