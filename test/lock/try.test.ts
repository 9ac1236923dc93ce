import { describe, expect, test } from 'vitest'
import { type Lock, lockFile, tryLock, tryLockFile } from '../../src/lock.ts'
import { tempDir } from '../support/processes.ts'
import { lockModule, startParty } from './party.ts'

/** Who else asks: [what is held, what is asked for, what comes of it]. */
const matrix = [
  { held: 'exclusive', asked: 'exclusive', gets: false },
  { held: 'exclusive', asked: 'shared', gets: false },
  { held: 'shared', asked: 'exclusive', gets: false },
  { held: 'shared', asked: 'shared', gets: true },
]

describe.each(matrix)('held $held, asked for $asked', ({ held, asked, gets }) => {
  const options = (kind: string, dir: string) => ({ shared: kind === 'shared', dir })

  test('in one process', () => {
    const dir = tempDir()
    const first = tryLock('a', options(held, dir))
    const second = tryLock('a', options(asked, dir))
    expect(second !== null).toBe(gets)
    second?.release()
    first?.release()
    const third = tryLock('a', options(asked, dir))
    expect(third).not.toBeNull()
    third?.release()
  })

  test('by a second process', async () => {
    const dir = tempDir()
    const other = await startParty()
    await other.tryLock('a', options(held, dir))
    const own = tryLock('a', options(asked, dir))
    expect(own !== null).toBe(gets)
    own?.release()
    await other.release()
    const after = tryLock('a', options(asked, dir))
    expect(after).not.toBeNull()
    after?.release()
  })

  test('by a worker thread', async () => {
    const dir = tempDir()
    const party = await startParty()
    await party.tryLock('a', options(held, dir))
    const inWorker = `Promise.all([import('${lockModule}'), import('node:worker_threads')]).then(([{ tryLock }, { parentPort }]) => {
      const lock = tryLock('a', ${JSON.stringify(options(asked, dir))})
      parentPort.postMessage(lock !== null)
      lock?.release()
    })`
    const ask = `return new Promise((resolve, reject) =>
      new Worker(${JSON.stringify(inWorker)}, { eval: true }).on('message', resolve).on('error', reject))`
    expect(await party.do(ask)).toBe(gets)
    await party.release()
    expect(await party.do(ask)).toBe(true)
  })
})

test('it says what it holds, and nobody is said to have died', () => {
  const dir = tempDir()
  const held = tryLock('build/ü', { dir }) as Lock
  expect(held.names).toEqual(['build/ü'])
  expect(held.abandonedBy).toBeNull()
  expect(held.abandoned).toEqual([])
  held.release()
})

test('a lock by name and one by the path of its file are one', () => {
  const dir = tempDir()
  const held = tryLock('build', { dir }) as Lock
  expect(tryLockFile(`${dir}/build`)).toBeNull()
  held.release()
  const file = tryLockFile(`${dir}/build`) as Lock
  expect(file.names).toEqual([`${dir}/build`])
  expect(tryLock('build', { dir })).toBeNull()
  file.release()
})

test('a path may be relative', async () => {
  const dir = tempDir()
  const party = await startParty()
  await party.do(`process.chdir(${JSON.stringify(dir)}); held.lock = tryLockFile('x.lock')`)
  expect(tryLockFile(`${dir}/x.lock`)).toBeNull()
})

test('given back twice, it is given back once', () => {
  const dir = tempDir()
  const first = tryLock('a', { dir }) as Lock
  first.release()
  const second = tryLock('a', { dir }) as Lock
  first.release()
  first[Symbol.dispose]()
  expect(tryLock('a', { dir })).toBeNull()
  second.release()
})

test('a lock is disposed of in both ways', async () => {
  const dir = tempDir()
  const first = tryLock('a', { dir }) as Lock
  first[Symbol.dispose]()
  const second = await lockFile(`${dir}/a`, { timeout: 0 })
  await second[Symbol.asyncDispose]()
  const third = tryLock('a', { dir })
  expect(third).not.toBeNull()
  third?.release()
})

test('locks() of others, again and again, never make a free lock seem held', { timeout: 30_000 }, async () => {
  const dir = tempDir()
  const others = await Promise.all([startParty(), startParty()])
  const watching = others.map((party) =>
    party.do(`const end = Date.now() + 1500; while (Date.now() < end) locks({ dir: ${JSON.stringify(dir)} })`),
  )
  const until = performance.now() + 1500
  let refused = 0
  let rounds = 0
  for (; performance.now() < until; rounds++) {
    // One that stays open between uses, and one whose file comes and goes.
    for (const label of ['same', `${rounds}`]) {
      const held = tryLock(label === 'same' ? 'kept' : 'new', { dir, label })
      if (held) held.release()
      else refused++
    }
  }
  await Promise.all(watching)
  expect(rounds).toBeGreaterThan(100)
  expect(refused).toBe(0)
})

describe('bad arguments', () => {
  const bad: [string, () => unknown, string][] = [
    ['no name', () => tryLock(undefined as never), 'the name of a lock must be a string, not undefined'],
    ['a number', () => tryLock(7 as never), 'the name of a lock must be a string, not number'],
    ['no names at all', () => tryLock([]), 'at least one'],
    ['a name among names', () => tryLock(['a', 7 as never]), 'the name of a lock must be a string, not number'],
    ['no path', () => tryLockFile(''), 'must be a string that names a file'],
  ]
  test.each(bad)('%s', (_, ask) => {
    expect(ask).toThrow(TypeError)
  })
})
