import { readdirSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { type Lock, locks, tryLock } from '../../src/lock.ts'
import { tempDir, waitFor } from '../support/processes.ts'
import { isFree, type Party, startParty, stillWaits } from './party.ts'

/** Has the party start a program that runs on after it; gives its number. */
async function leaveChild(party: Party, spawnOptions: string, command = `['sleep', ['100']]`): Promise<number> {
  const pid = await party.do(`const [file, args] = ${command}
    const child = spawn(file, args, { detached: true, ...${spawnOptions} })
    child.unref()
    return child.pid`)
  children.push(pid)
  return pid
}
const children: number[] = []
function killChildren(): void {
  for (const pid of children.splice(0)) {
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  }
}
afterEach(killChildren)
const asked = `held.lock.childOptions({ stdio: 'ignore' })`

describe('a child', () => {
  test.each([
    ['spawn', `{ stdio: 'ignore' }`, `['sleep', ['100']]`],
    ['a shell that replaces itself', `{ stdio: 'ignore' }`, `['sh', ['-c', 'exec sleep 100']]`],
    [
      'fork',
      `{ stdio: ['ignore', 'ignore', 'ignore', 'ipc'] }`,
      `[process.execPath, ['-e', 'setTimeout(() => {}, 100000)']]`,
    ],
  ])('does not inherit the lock unasked: %s', async (_, options, command) => {
    const dir = tempDir()
    const party = await startParty()
    await party.lock('a', { dir })
    await leaveChild(party, options, command)
    await party.kill()
    await waitFor(() => {
      const held = tryLock('a', { dir })
      if (held) expect(held.abandonedBy?.pid).toBe(party.pid)
      held?.release()
      return held !== null
    }, 1000)
  })

  test('asked, it holds on when its parent was killed, until it ends', async () => {
    const dir = tempDir()
    const party = await startParty()
    await party.lock('a', { dir, label: 'parent' })
    const child = await leaveChild(party, asked)
    const next = await startParty()
    const waiting = next.lock('a', { dir })
    await waitFor(() => locks({ dir })[0]?.waiters.length === 1)
    await party.kill()
    try {
      expect(await stillWaits(waiting, 300)).toBe(true)
      expect(locks({ dir })[0]).toMatchObject({ holders: [{ pid: party.pid, label: 'parent' }], abandoned: [] })
    } finally {
      process.kill(child, 'SIGKILL')
    }
    expect(await waiting).toMatchObject({ abandonedBy: { pid: party.pid } })
  })

  test('the same for several names, shared', async () => {
    const dir = tempDir()
    const party = await startParty()
    await party.lock(['a', 'b'], { dir, shared: true })
    await leaveChild(party, asked)
    await party.kill()
    for (const name of ['a', 'b']) {
      expect(tryLock(name, { dir })).toBeNull()
      expect(isFree(name, { dir, shared: true })).toBe(true)
    }
    killChildren()
    await waitFor(() => ['a', 'b'].every((name) => isFree(name, { dir })))
  })

  test('the lock that is given back is free at once, though a daemon lives on: for who waits, and who comes', async () => {
    const dir = tempDir()
    const party = await startParty()
    await party.lock('a', { dir })
    await leaveChild(party, asked)
    const others = await Promise.all([startParty(), startParty(), startParty()])
    const waits = others.map((other) => other.lock('a', { dir }).then(() => other.release()))
    await waitFor(() => locks({ dir })[0]?.waiters.length === 3)
    const began = performance.now()
    await party.release()
    await Promise.all(waits)
    // Nobody had to look by itself.
    expect(performance.now() - began).toBeLessThan(1500)
    expect(tryLock('a', { dir })?.abandonedBy).toBeNull()
  })

  test('and what its parent locks next is no business of the daemon', async () => {
    const dir = tempDir()
    const party = await startParty()
    await party.lock('a', { dir })
    await leaveChild(party, asked)
    await party.release()
    await party.lock('a', { dir })
    const waiting = startParty().then((next) => next.lock('a', { dir, timeout: 5000 }))
    await waitFor(() => locks({ dir })[0]?.waiters.length === 1)
    await party.kill()
    expect(await waiting).toMatchObject({ abandonedBy: { pid: party.pid } })
  })

  test('nor does a daemon keep the files', async () => {
    const dir = tempDir()
    const party = await startParty()
    await party.lock('a', { dir })
    await leaveChild(party, asked)
    await party.release()
    await party.end()
    expect(readdirSync(dir)).toEqual([])
  })

  test('is asked for other descriptors as well, and keeps its own', async () => {
    const dir = tempDir()
    const held = tryLock('a', { dir }) as Lock
    const { stdio } = held.childOptions({ stdio: ['pipe', 'inherit', 2, 'ipc'] })
    expect((stdio as unknown[]).slice(0, 4)).toEqual(['pipe', 'inherit', 2, 'ipc'])
    expect((stdio as unknown[]).filter((entry) => typeof entry === 'number' && entry > 2)).toHaveLength(2)
    held.release()
    expect(held.childOptions({ stdio: 'inherit' }).stdio).toEqual(['inherit', 'inherit', 'inherit'])
  })
})
