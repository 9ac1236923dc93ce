import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Lock, lock, lockFile, locks, tryLock, tryLockFile } from '../../src/lock.ts'
import { tempDir, waitFor } from '../support/processes.ts'
import { isFree, type Party, startParty, stillWaits } from './party.ts'

const isGone = (dir: string) => () => readdirSync(dir).length === 0

describe('nothing is left in the folder', () => {
  test('some two seconds after the last use', async () => {
    const dir = tempDir()
    const held = await lock(['a', 'b'], { dir })
    expect(readdirSync(dir).sort()).toEqual(['a', 'a.queue', 'b', 'b.queue'])
    held.release()
    await waitFor(isGone(dir), 2500)
  })

  test.each([
    ['process.exit', 'process.exit()'],
    ['a natural end', ''],
    ['an exit listener', `process.on('exit', () => held.lock.release())`],
    ['an exit listener that was there before', `process.prependListener('exit', () => held.lock.release())`],
  ])('after the end of the process: %s', async (how, code) => {
    const dir = tempDir()
    const party = await startParty()
    await party.lock('a', { dir })
    if (!how.includes('listener')) await party.release()
    party.do(code).catch(() => 'it ends')
    await party.end()
    expect(readdirSync(dir)).toEqual([])
  })

  test('when two come to their end at once, who used the same', { timeout: 30_000 }, async () => {
    const dir = tempDir()
    for (let round = 0; round < 5; round++) {
      const parties = await Promise.all([startParty(), startParty(), startParty()])
      for (const party of parties) {
        await party.lock('a', { dir })
        await party.release()
      }
      const at = Date.now() + 20
      for (const party of parties) {
        party.do(`while (Date.now() < ${at}); process.exit()`).catch(() => 'it ends')
      }
      await Promise.all(parties.map((party) => party.end()))
      expect(readdirSync(dir)).toEqual([])
    }
  })

  test('by locks(), where a process was killed that had used it', async () => {
    const dir = tempDir()
    const party = await startParty()
    await party.lock('a', { dir })
    await party.release()
    await party.kill()
    expect(readdirSync(dir)).not.toEqual([])
    expect(locks({ dir })).toEqual([])
    expect(readdirSync(dir)).toEqual([])
  })

  test('thousands of names do not fill the folder, nor the table of descriptors', async () => {
    const dir = tempDir()
    for (let i = 0; i < 2000; i++) {
      tryLock(`name ${i}`, { dir })?.release()
      if (i % 500 === 0) expect(readdirSync(dir).length).toBeLessThan(300)
    }
    await waitFor(isGone(dir), 2500)
  })

  test('a lock file grows with those who use it at once, and shrinks again', async () => {
    const dir = tempDir()
    const kept = tryLock('a', { dir, shared: true }) as Lock
    const many = Array.from({ length: 40 }, (_, i) => tryLock('a', { dir, shared: true, label: `${i}` }) as Lock)
    expect(lstatSync(join(dir, 'a')).size).toBeGreaterThan(40 * 256)
    for (const held of many) held.release()
    kept.release()
    await waitFor(isGone(dir), 3000)
    for (let i = 0; i < 100; i++) tryLock('a', { dir })?.release()
    expect(lstatSync(join(dir, 'a')).size).toBeLessThanOrEqual(512)
  })
})

describe('a cleaner removes', () => {
  const removals: [string, (dir: string) => void][] = [
    ['the lock file', (dir) => unlinkSync(join(dir, 'a'))],
    ['the folder of FIFOs', (dir) => rmSync(join(dir, 'a.queue'), { recursive: true })],
    [
      'both',
      (dir) => {
        rmSync(join(dir, 'a.queue'), { recursive: true })
        unlinkSync(join(dir, 'a'))
      },
    ],
    [
      'the FIFOs alone',
      (dir) => {
        for (const name of readdirSync(join(dir, 'a.queue'))) unlinkSync(join(dir, 'a.queue', name))
      },
    ],
    [
      'all locks of the folder',
      (dir) => {
        for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true })
      },
    ],
  ]

  describe.each(removals)('%s', (what, remove) => {
    const keepsTheFile = !['the lock file', 'both', 'all locks of the folder'].includes(what)

    test('of a free lock: nobody notices', async () => {
      const dir = tempDir()
      const other = await startParty()
      tryLock('a', { dir })?.release()
      await other.lock('a', { dir })
      await other.release()
      remove(dir)
      const held = tryLock('a', { dir }) as Lock
      expect(held).not.toBeNull()
      expect(await other.tryLock('a', { dir })).toBeNull()
      const waiting = other.lock('a', { dir, timeout: 5000 })
      expect(await stillWaits(waiting)).toBe(true)
      held.release()
      await waiting
      expect(tryLock('a', { dir })).toBeNull()
    })

    test('of a lock that is held: whoever waits is served, whoever comes later too', { timeout: 20_000 }, async () => {
      const dir = tempDir()
      const parties = await Promise.all([startParty(), startParty(), startParty()])
      const [holder, waiter, late] = parties as [Party, Party, Party]
      await holder.lock('a', { dir })
      const waits = waiter.lock('a', { dir, timeout: 10_000 })
      await waitFor(() => locks({ dir })[0]?.waiters.length === 1)
      remove(dir)
      // Without the file it is another lock; with it, it is held as before.
      if (keepsTheFile) expect(await late.tryLock('a', { dir })).toBeNull()
      const comes = keepsTheFile ? late.lock('a', { dir, timeout: 10_000 }) : null
      await sleep(50)
      await holder.release()
      await waits
      expect(tryLock('a', { dir })).toBeNull()
      await waiter.release()
      await comes
      if (comes) await late.release()
      await waitFor(() => isFree('a', { dir }))
    })
  })

  test('the whole state folder: it is made anew', async () => {
    const state = tempDir()
    const party = await startParty({ state })
    for (const held of [false, true]) {
      await party.lock('a')
      if (!held) await party.release()
      rmSync(state, { recursive: true })
      if (held) await party.release()
      await party.lock('b', { timeout: 1000 })
      const other = await startParty({ state })
      expect(await other.tryLock('b')).toBeNull()
      const waiting = other.lock('b', { timeout: 5000 })
      expect(await stillWaits(waiting)).toBe(true)
      await party.release()
      await waiting
      await other.end()
    }
  })

  test('all, again and again, while four take the lock: nobody hangs', { timeout: 30_000 }, async () => {
    const dir = tempDir()
    const parties = await Promise.all([startParty(), startParty(), startParty(), startParty()])
    const until = Date.now() + 2500
    const counts = parties.map((party) =>
      party.do(`let count = 0
        for (; Date.now() < ${until}; count++) {
          const held = await lock('a', { dir: ${JSON.stringify(dir)}, timeout: 10_000 })
          if (count % 3 === 0) await sleep(1)
          held.release()
        }
        return count`),
    )
    while (Date.now() < until) {
      try {
        for (const name of readdirSync(dir)) rmSync(join(dir, name), { recursive: true, force: true })
      } catch (error) {
        // They are made as fast as they are removed.
        expect(error).toMatchObject({ code: 'ENOTEMPTY' })
      }
      await sleep(Math.random() * 20)
    }
    for (const count of await Promise.all(counts)) expect(count).toBeGreaterThan(20)
    expect(isFree('a', { dir })).toBe(true)
    await Promise.all(parties.map((party) => party.end()))
  })
})

describe('what is no lock is refused, and left as it is', () => {
  const zeros = Buffer.alloc(4096)
  const contents: [string, string | Buffer][] = [
    ['text', 'important\n'],
    ['long text', 'important\n'.repeat(1000)],
    ['JSON', '{"slot":1,"name":"package"}'],
    ['blanks', ' '.repeat(256)],
    ['indented text that looks blank at its ends', ` ${'x'.repeat(254)}\n`],
    ['zeros', zeros],
    ['zeros of one record', zeros.subarray(0, 256)],
    ['one byte', '\0'],
    ['a record that is cut off', '{"slot":1,"pid":1'],
  ]
  test.each(contents)('%s', async (_, content) => {
    const dir = tempDir()
    const path = join(dir, 'file')
    writeFileSync(path, content)
    const refused = {
      code: 'ERR_JOBSLOT_LOCK_FILE',
      message: expect.stringContaining(`${path} holds something else than a lock`),
    }
    expect(() => tryLockFile(path)).toThrow(expect.objectContaining(refused))
    await expect(lockFile(path, { timeout: 50 })).rejects.toMatchObject(refused)
    expect(() => tryLock('file', { dir })).toThrow(expect.objectContaining(refused))
    expect(locks({ dir })).toEqual([])
    expect(readFileSync(path).equals(Buffer.from(content))).toBe(true)
    expect(readdirSync(dir)).toEqual(['file'])
  })

  const others: [string, (path: string) => void, (path: string) => boolean][] = [
    ['a folder', (path) => mkdirSync(path), (path) => lstatSync(path).isDirectory()],
    ['a FIFO', (path) => execFileSync('mkfifo', [path]), (path) => lstatSync(path).isFIFO()],
    [
      'a link to a file',
      (path) => symlinkSync('/etc/hostname', path),
      (path) => readlinkSync(path) === '/etc/hostname',
    ],
    ['a link to nothing', (path) => symlinkSync('nothing', path), (path) => readlinkSync(path) === 'nothing'],
    ['a link to itself', (path) => symlinkSync('file', path), (path) => readlinkSync(path) === 'file'],
  ]
  test.each(others)('%s', (_, make, isThere) => {
    const dir = tempDir()
    const path = join(dir, 'file')
    make(path)
    expect(() => tryLockFile(path)).toThrow(expect.objectContaining({ code: 'ERR_JOBSLOT_LOCK_FILE' }))
    expect(locks({ dir })).toEqual([])
    expect(isThere(path)).toBe(true)
    expect(readdirSync(dir)).toEqual(['file'])
  })

  test('a socket', async () => {
    const dir = tempDir()
    const path = join(dir, 'file')
    const { createServer } = await import('node:net')
    const server = createServer().listen(path)
    await waitFor(() => existsSync(path))
    expect(() => tryLockFile(path)).toThrow(expect.objectContaining({ code: 'ERR_JOBSLOT_LOCK_FILE' }))
    server.close()
  })

  test('an empty file becomes a lock by lockFile, and only so', () => {
    const dir = tempDir()
    const path = join(dir, 'empty')
    writeFileSync(path, '')
    expect(locks({ dir })).toEqual([])
    expect(existsSync(path)).toBe(true)
    tryLockFile(path)?.release()
  })

  test('a FIFO that someone waits at is not opened by locks()', async () => {
    const dir = tempDir()
    const path = join(dir, 'fifo')
    execFileSync('mkfifo', [path])
    const writer = await startParty()
    const opening = writer.do(`await fs.promises.writeFile(${JSON.stringify(path)}, 'x')`)
    await sleep(100)
    locks({ dir })
    expect(await stillWaits(opening)).toBe(true)
    await writer.kill()
  })

  test('what lies in a folder that has the name of its queue stays', async () => {
    const dir = tempDir()
    mkdirSync(join(dir, 'a.queue'))
    for (const name of ['data', 'h1x', 'h', 't-1', '.hidden']) writeFileSync(join(dir, 'a.queue', name), 'mine')
    tryLock('a', { dir })?.release()
    await waitFor(() => !existsSync(join(dir, 'a')), 3000)
    expect(readdirSync(join(dir, 'a.queue')).sort()).toEqual(['.hidden', 'data', 'h', 'h1x', 't-1'])
  })

  test.each(['file', 'link'])('a %s that has the name of its queue is an error, and stays', (kind) => {
    const dir = tempDir()
    if (kind === 'file') writeFileSync(join(dir, 'a.queue'), 'mine')
    else symlinkSync('/tmp', join(dir, 'a.queue'))
    expect(() => tryLock('a', { dir })).toThrow(expect.objectContaining({ code: 'ERR_JOBSLOT_LOCK_FOLDER' }))
    expect(readdirSync(dir)).toEqual(['a.queue'])
  })
})

describe('a damaged lock file', () => {
  test('is a lock all the same, as long as it looks like one, and one again with the next record', async () => {
    for (const damage of ['x'.repeat(100), '{"slot":7', '\0'.repeat(255), ' '.repeat(255), '{"slot":1,"pid":"?"}']) {
      const dir = tempDir()
      const party = await startParty()
      await party.lock('a', { dir })
      const content = readFileSync(join(dir, 'a'))
      content.write(damage)
      writeFileSync(join(dir, 'a'), content, { flag: 'r+' })
      if (/^[{ ]/.test(damage)) expect(tryLock('a', { dir })).toBeNull()
      else expect(() => tryLock('a', { dir })).toThrow(expect.objectContaining({ code: 'ERR_JOBSLOT_LOCK_FILE' }))
      await party.release()
      await party.end()
      expect(isFree('a', { dir })).toBe(true)
    }
  })

  test('who waits is served although the record of the holder was lost', { timeout: 20_000 }, async () => {
    const dir = tempDir()
    const [holder, waiter] = (await Promise.all([startParty(), startParty()])) as [Party, Party]
    await holder.lock('a', { dir })
    const blank = Buffer.from(`${' '.repeat(255)}\n`)
    writeFileSync(join(dir, 'a'), blank, { flag: 'r+' })
    const waits = waiter.lock('a', { dir, timeout: 10_000 })
    await sleep(200)
    await holder.release()
    await waits
  })
})

describe('a folder', () => {
  test('that is missing', async () => {
    const dir = join(tempDir(), 'no', 'folder')
    const refused = { code: 'ERR_JOBSLOT_LOCK_FOLDER', message: expect.stringContaining('there is no such folder') }
    expect(() => tryLock('a', { dir })).toThrow(expect.objectContaining(refused))
    await expect(lockFile(join(dir, 'x'))).rejects.toMatchObject(refused)
    expect(() => locks({ dir })).toThrow(expect.objectContaining({ code: 'ERR_JOBSLOT_LOCK_FOLDER' }))
  })

  test('that is a file', () => {
    const path = join(tempDir(), 'file')
    writeFileSync(path, '')
    expect(() => tryLock('a', { dir: path })).toThrow(
      expect.objectContaining({ code: 'ERR_JOBSLOT_LOCK_FOLDER', message: expect.stringContaining('it is no folder') }),
    )
  })

  test('that takes no files', () => {
    expect(() => tryLock('a', { dir: '/proc' })).toThrow(expect.objectContaining({ code: 'ERR_JOBSLOT_LOCK_FOLDER' }))
  })

  test('with a path as long as can be', () => {
    let dir = tempDir()
    while (dir.length < 3800) {
      dir = join(dir, 'd'.repeat(200))
      mkdirSync(dir)
    }
    // The file fits, what lies in its folder of FIFOs may not.
    for (const length of [1, 100, 180]) {
      try {
        tryLock('n'.repeat(length), { dir })?.release()
      } catch (error) {
        expect(error).toMatchObject({ code: 'ERR_JOBSLOT_LOCK_FOLDER' })
      }
    }
  })

  test('that becomes unwritable while the lock is waited for', async () => {
    const dir = tempDir()
    chmodSync(dir, 0o777)
    const [holder, waiter] = (await Promise.all([
      startParty({ uid: 65534, gid: 65534 }),
      startParty({ uid: 65534, gid: 65534 }),
    ])) as [Party, Party]
    await holder.lock('a', { dir })
    const waits = waiter.lock('a', { dir, timeout: 5000 })
    await waitFor(() => locks({ dir })[0]?.waiters.length === 1)
    chmodSync(dir, 0o555)
    await holder.release()
    await waits
    await waiter.release()
  })
})
