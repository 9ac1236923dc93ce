import { describe, expect, test } from 'vitest'
import { type Lock, lock, locks, tryLock } from '../../src/lock.ts'
import { tempDir, waitFor } from '../support/processes.ts'
import { type Party, startParty } from './party.ts'

const NEVER = 'a report'

/** Takes the lock and gives it back: of whom it was told. */
async function toldBy(dir: string, options: object = {}): Promise<unknown> {
  const held = await lock('a', { dir, timeout: 2000, ...options })
  held.release()
  return held.abandonedBy
}

describe('the next holder is told whose lock it was, once', () => {
  test.each([false, true])('of one that was killed: shared %s', async (shared) => {
    const dir = tempDir()
    const dead = await startParty()
    const before = Date.now()
    await dead.lock('a', { dir, label: 'nightly "build" ü', shared })
    const after = Date.now()
    await dead.kill()
    const held = tryLock('a', { dir }) as Lock
    expect(held.abandonedBy).toMatchObject({ pid: dead.pid, label: 'nightly "build" ü', shared })
    expect(held.abandonedBy?.since).toBeGreaterThanOrEqual(before)
    expect(held.abandonedBy?.since).toBeLessThanOrEqual(after)
    held.release()
    expect(await toldBy(dir)).toBeNull()
  })

  test.each([
    ['process.exit', 'process.exit(3)'],
    ['an uncaught error', 'setTimeout(() => { throw 1 })'],
    ['process.abort', 'process.abort()'],
    ['a signal', 'process.kill(process.pid, "SIGTERM"); await sleep(1000)'],
  ])('of one that ended by %s', async (_, code) => {
    const dir = tempDir()
    const dead = await startParty({ quiet: true })
    await dead.lock('a', { dir })
    dead.do(code).catch(() => NEVER)
    expect(await toldBy(dir)).toMatchObject({ pid: dead.pid, label: null, shared: false })
    expect(await toldBy(dir)).toBeNull()
  })

  test('of one that came to its natural end', async () => {
    const dir = tempDir()
    const dead = await startParty()
    await dead.lock('a', { dir })
    expect(await dead.end()).toBe(0)
    expect(await toldBy(dir)).toMatchObject({ pid: dead.pid })
  })

  test('while it waits', async () => {
    const dir = tempDir()
    const dead = await startParty()
    await dead.lock('a', { dir, label: 'x' })
    const waiting = lock('a', { dir })
    const reader = lock('a', { dir, shared: true })
    await waitFor(() => locks({ dir })[0]?.waiters.length === 2)
    await dead.kill()
    const held = await waiting
    expect(held.abandonedBy).toMatchObject({ pid: dead.pid, label: 'x' })
    held.release()
    const second = await reader
    expect(second.abandonedBy).toBeNull()
    second.release()
  })

  test('who shares it is told, and who shares it as well is not', async () => {
    const dir = tempDir()
    const dead = await startParty()
    await dead.lock('a', { dir })
    await dead.kill()
    const one = tryLock('a', { dir, shared: true }) as Lock
    const two = tryLock('a', { dir, shared: true }) as Lock
    expect(one.abandonedBy).toMatchObject({ pid: dead.pid, shared: false })
    expect(two.abandonedBy).toBeNull()
    one.release()
    two.release()
  })

  test('of several dead who shared it, each by another', async () => {
    const dir = tempDir()
    const dead = await Promise.all([startParty(), startParty(), startParty()])
    for (const party of dead) await party.lock('a', { dir, shared: true })
    const living = tryLock('a', { dir, shared: true }) as Lock
    await Promise.all(dead.map((party) => party.kill()))
    expect(locks({ dir })[0]).toMatchObject({ holders: [{ pid: process.pid }], abandoned: [{}, {}, {}] })
    const told = []
    for (const shared of [true, true]) told.push(await toldBy(dir, { shared }))
    living.release()
    told.push(await toldBy(dir))
    expect(told.map((party) => (party as { pid: number }).pid).sort()).toEqual(dead.map(({ pid }) => pid).sort())
    expect(await toldBy(dir)).toBeNull()
    expect(locks({ dir })).toEqual([])
  })

  test('each of a chain of which everyone is killed holding it', async () => {
    const dir = tempDir()
    let last = 0
    for (let i = 0; i < 5; i++) {
      const party = await startParty()
      const { abandonedBy } = await party.lock('a', { dir, shared: i % 2 === 1 })
      expect(abandonedBy?.pid ?? 0).toBe(last)
      last = party.pid
      await party.kill()
    }
    expect(await toldBy(dir)).toMatchObject({ pid: last })
    expect(await toldBy(dir)).toBeNull()
  })
})

describe('nobody is told', () => {
  test('of a lock that was released just before the end', async () => {
    const dir = tempDir()
    for (const end of ['process.exit()', 'process.abort()', 'process.kill(process.pid, "SIGKILL")']) {
      const party = await startParty({ quiet: true })
      await party.lock('a', { dir })
      party.do(`held.lock.release(); ${end}`).catch(() => NEVER)
      await waitFor(() => party.child.exitCode !== null || party.child.signalCode !== null)
      expect(await toldBy(dir)).toBeNull()
    }
  })

  test('of a lock that is released in an exit listener', async () => {
    const dir = tempDir()
    const party = await startParty()
    await party.lock('a', { dir })
    await party.do(`process.on('exit', () => held.lock.release())`)
    await party.end()
    expect(await toldBy(dir)).toBeNull()
  })

  test('of one that died waiting', async () => {
    const dir = tempDir()
    const own = tryLock('a', { dir }) as Lock
    const dead = await startParty()
    dead.lock('a', { dir }).catch(() => NEVER)
    await waitFor(() => locks({ dir })[0]?.waiters.length === 1)
    await dead.kill()
    own.release()
    expect(await toldBy(dir)).toBeNull()
  })
})

describe('locks()', () => {
  test('shows who holds, who waits, in order, and whom nobody was told of', async () => {
    const dir = tempDir()
    const parties = await Promise.all(Array.from({ length: 5 }, () => startParty()))
    const [reader, second, writer, dead, late] = parties as [Party, Party, Party, Party, Party]
    await reader.lock('a/b', { dir, shared: true, label: 'reads' })
    await second.lock('a/b', { dir, shared: true })
    await dead.lock('other', { dir, label: 'dead' })
    await dead.kill()
    writer.lock('a/b', { dir, label: 'writes' }).catch(() => NEVER)
    await waitFor(() => locks({ dir })[0]?.waiters.length === 1)
    late.lock('a/b', { dir, shared: true }).catch(() => NEVER)
    await waitFor(() => locks({ dir })[0]?.waiters.length === 2)
    const since = expect.any(Number)
    expect(locks({ dir })).toEqual([
      {
        name: 'a/b',
        holders: [
          { pid: reader.pid, label: 'reads', shared: true, since },
          { pid: second.pid, label: null, shared: true, since },
        ],
        waiters: [
          { pid: writer.pid, label: 'writes', shared: false, since },
          { pid: late.pid, label: null, shared: true, since },
        ],
        abandoned: [],
      },
      {
        name: 'other',
        holders: [],
        waiters: [],
        abandoned: [{ pid: dead.pid, label: 'dead', shared: false, since }],
      },
    ])
    // To look takes nothing away.
    expect(locks({ dir })[1]?.abandoned).toHaveLength(1)
  })

  test('shows those of this user, or of a folder', async () => {
    const [state, dir] = [tempDir(), tempDir()]
    const party = await startParty({ state })
    await party.lock('own')
    await party.lock('of a folder', { dir }, 'second')
    expect(await party.do('return locks().map(({ name }) => name)')).toEqual(['own'])
    expect(await party.do(`return locks({ dir: ${JSON.stringify(dir)} }).map(({ name }) => name)`)).toEqual([
      'of a folder',
    ])
    expect(locks({ dir: `${state}/locks` }).map(({ name }) => name)).toEqual(['own'])
  })
})
