import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { tempDir, waitFor } from '../support/processes.ts'
import { needMounts } from './needs.ts'
import { isFree, startParty } from './party.ts'

describe('without a descriptor left', () => {
  /** Takes all descriptors but `spare`, runs the code, gives them back. */
  const crowded = (spare: number, code: string) => `
    const taken = []
    try {
      for (;;) taken.push(fs.openSync('/dev/null'))
    } catch {}
    for (let i = 0; i < ${spare}; i++) fs.closeSync(taken.pop())
    const end = (promise) => promise.then((held) => { held?.release(); return 'had' }, (error) => [error.code, error.cause?.code])
    try {
      return await (async () => { ${code} })()
    } finally {
      for (const fd of taken) fs.closeSync(fd)
    }`

  test.each([0, 1, 2, 3, 4, 5])('%d to spare: a lock is had, or is an error; afterwards all works', async (spare) => {
    const dir = tempDir()
    const party = await startParty({ under: ['sh', '-c', 'ulimit -n 60; exec "$@"', 'sh'] })
    const other = await startParty()
    const place = JSON.stringify({ dir, timeout: 300 })
    // What is loaded late is loaded before.
    await party.lock('warm', { dir })
    await other.lock('held', { dir })
    const ask = (name: string) => `await end(lock('${name}', ${place}))`
    const [free, busy] = await party.do(crowded(spare, `return [${ask('free')}, ${ask('held')}]`))
    const known = ['had', ['ERR_JOBSLOT_LOCK_FOLDER', 'EMFILE']]
    expect(known).toContainEqual(free)
    expect([...known, ['ERR_JOBSLOT_TIMEOUT', undefined]]).toContainEqual(
      busy.length === 2 ? [busy[0], busy[1] ?? undefined] : busy,
    )
    if (spare < 2) expect(free).toEqual(known[1])

    const before = await party.do('return openFds()')
    expect(before).toBeLessThan(50)
    expect(await other.tryLock('free', { dir }, 'free')).not.toBeNull()
    await other.release('free')
    const waiting = party.lock('held', { dir, timeout: 5000 })
    await waitFor(() => readdirSync(join(dir, 'held.queue')).some((name) => name.startsWith('t')))
    await other.release()
    await waiting
    await party.release()
    await party.release()
    await Promise.all([party.end(), other.end()])
    expect(readdirSync(dir).filter((name) => !name.startsWith('warm'))).toEqual([])
  })

  test('hundreds of tries leave none open', async () => {
    const dir = tempDir()
    const party = await startParty({ under: ['sh', '-c', 'ulimit -n 60; exec "$@"', 'sh'] })
    await party.lock('warm', { dir })
    // The thread that waits has descriptors of its own.
    const [before, after] = await party.do(`await lock('warm', ${JSON.stringify({ dir, timeout: 50 })}).catch(() => {})
      const { closeAllIdle } = await import(new URL('lock/handle.js', lockModule))
      const open = () => { closeAllIdle(); return openFds() }
      const before = open()
      for (let spare = 0; spare < 8; spare++) {
        const refused = async (spare) => { ${crowded(
          0,
          `for (let i = 0; i < spare; i++) fs.closeSync(taken.pop())
          for (let i = 0; i < 30; i++) {
            try { tryLock('a' + i, ${JSON.stringify({ dir })})?.release() } catch {}
            await lock('warm', ${JSON.stringify({ dir, timeout: 1 })}).catch(() => {})
          }`,
        )} }
        await refused(spare)
      }
      return [before, open()]`)
    expect(after).toBe(before)
  })
})

test('on a full disk it is an error, and nothing is held; with room again it is had', async (ctx) => {
  needMounts(ctx)
  // A mount namespace of its own: the file system goes with the process.
  const party = await startParty({
    under: ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs -o size=128k,nr_inodes=40 none /mnt && exec "$@"', 'sh'],
  })
  const place = JSON.stringify({ dir: '/mnt' })
  const outcome = `(name) => { try { const held = tryLock(name, ${place}); held?.release(); return held === null ? 'busy' : 'had' } catch (error) { return [error.code, /is full \\((\\w+)\\): make room$/.exec(error.message)?.[1]] } }`
  const said = await party.do(`const ask = ${outcome}
    const before = openFds()
    const filler = fs.openSync('/mnt/filler', 'w')
    try { for (;;) fs.writeSync(filler, Buffer.alloc(4096)) } catch {}
    const full = [ask('a'), ask('a'), ask('b')]
    let waited
    try { waited = await lock('c', { ...${place}, timeout: 100 }) } catch (error) { waited = error.code }
    fs.closeSync(filler)
    fs.unlinkSync('/mnt/filler')
    const after = [ask('a'), ask('b'), ask('c')]
    await sleep(2300)
    // No inode left is another kind of full.
    const files = []
    try { for (;;) { files.push('/mnt/f' + files.length); fs.writeFileSync(files.at(-1), '') } } catch {}
    const crowded = ask('a')
    for (const file of files.slice(0, -1)) fs.unlinkSync(file)
    const room = ask('a')
    await sleep(2300)
    return { full, waited, after, crowded, room, left: fs.readdirSync('/mnt'), fds: openFds() - before }`)
  const refused = ['ERR_JOBSLOT_LOCK_FOLDER', 'ENOSPC']
  expect(said).toEqual({
    full: [refused, refused, refused],
    waited: 'ERR_JOBSLOT_LOCK_FOLDER',
    after: ['had', 'had', 'had'],
    crowded: refused,
    room: 'had',
    left: [],
    fds: 0,
  })
}, 20_000)

test('on a full disk no report of a death is lost', async (ctx) => {
  needMounts(ctx)
  const party = await startParty({
    under: ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs -o size=64k none /mnt && exec "$@"', 'sh'],
  })
  // The child dies holding it, shared by slot 20: the next holder's record needs a page of its own.
  const said = await party.do(`const dead = spawn(process.execPath, ['--input-type=module', '-e', \`
      import { tryLock } from '\${lockModule}'
      const all = Array.from({ length: 40 }, () => tryLock('a', { dir: '/mnt', shared: true, label: 'dead' }))
      process.kill(process.pid, 'SIGKILL')\`], { stdio: 'inherit' })
    await new Promise((resolve) => dead.once('exit', resolve))
    const abandoned = () => locks({ dir: '/mnt' })[0].abandoned.length
    const before = abandoned()
    const filler = fs.openSync('/mnt/filler', 'w')
    try { for (;;) fs.writeSync(filler, Buffer.alloc(4096)) } catch {}
    let refused
    try { tryLock('a', { dir: '/mnt', shared: true })?.release() } catch (error) { refused = error.cause?.code }
    fs.ftruncateSync(filler)
    const still = abandoned()
    const told = new Set()
    for (let held; (held = tryLock('a', { dir: '/mnt' })).abandonedBy; held.release()) told.add(held.abandonedBy.pid)
    return { before, still, refused }`)
  expect(said.before).toBe(40)
  expect(said.refused === 'ENOSPC' ? 40 : 39).toBe(said.still)
})

describe('a network file system', () => {
  // It cannot be mounted here, so fstatfs(2) is made to say that it is one: NFS, CIFS, 9P, Ceph.
  test.each([0x6969, 0xff534d42, 0x01021997, 0x00c36400])('is refused: type %i', async (type) => {
    const folder = tempDir()
    const library = join(folder, 'remote.so')
    const source = `#include <sys/vfs.h>
      #include <string.h>
      int fstatfs(int fd, struct statfs *into) { (void)fd; memset(into, 0, sizeof *into); into->f_type = ${type}; return 0; }`
    execFileSync('cc', ['-shared', '-fPIC', '-x', 'c', '-o', library, '-'], { input: source })
    const dir = join(folder, 'locks')
    mkdirSync(dir)
    const party = await startParty({ env: { LD_PRELOAD: library } })
    const refused = { code: 'ERR_JOBSLOT_LOCK_FOLDER', message: expect.stringContaining('network file system') }
    await expect(party.tryLock('a', { dir })).rejects.toMatchObject(refused)
    await expect(party.lock('a', { dir })).rejects.toMatchObject(refused)
    // The file that was made to find out does not stay.
    expect(readdirSync(dir)).toEqual([])
    writeFileSync(join(dir, 'b'), '')
    await expect(party.tryLock('b', { dir })).rejects.toMatchObject(refused)
    expect(readdirSync(dir)).toEqual(['b'])
    await party.kill()
    expect(isFree('a', { dir })).toBe(true)
  })
})
