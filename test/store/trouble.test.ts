import { execFileSync } from 'node:child_process'
import { appendFileSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import { cli } from '../support/cli.ts'
import { makeReadOnly, requireDisk } from '../support/disk.ts'
import { run, tempDir } from '../support/processes.ts'
import { testStore } from './folder.ts'

describe('a full disk', () => {
  test('is told, breaks nothing, and when it has room work goes on', async (ctx) => {
    const disk = requireDisk(ctx, 512 * 1024)
    const filler = join(disk, 'filler')
    writeFileSync(filler, Buffer.alloc(300 * 1024))
    const store = await openStore({ dir: join(disk, 'store') })
    onTestFinished(() => store.close())
    const kept: number[] = []
    let refused: unknown
    while (!refused) {
      await store.create('x'.repeat(5000)).then(
        ({ id }) => kept.push(id),
        (error) => {
          refused = error
        },
      )
    }
    expect(refused).toMatchObject({ code: 'ERR_JOBSLOT_STORE_IO', message: expect.stringMatching(/ENOSPC.*make room/) })
    await expect(store.create('x'.repeat(50_000))).rejects.toMatchObject({ code: 'ERR_JOBSLOT_STORE_IO' })
    await expect(store.fulfill(kept[0]!, 'x'.repeat(100_000))).rejects.toMatchObject({ code: 'ERR_JOBSLOT_STORE_IO' })
    expect((await store.list({ limit: 1000 })).jobs.map(({ id }) => id)).toEqual(kept)
    rmSync(filler)
    const { id } = await store.create('more')
    const again = await openStore({ dir: store.dir })
    expect((await again.list({ limit: 1000 })).jobs.map(({ id }) => id)).toEqual([...kept, id])
    expect(await again.verify()).toMatchObject({ ok: true })
    await again.close()
  })

  // The mark is mapped: without room for it, the first write to it would end the process.
  test('on which a store is to be made is told', async (ctx) => {
    const disk = requireDisk(ctx, 64 * 1024)
    const filler = join(disk, 'filler')
    execFileSync('sh', ['-c', 'cat /dev/zero >"$1" || :', 'sh', filler], { stdio: 'ignore' })
    const added = await run([...cli, 'job', 'add', '1', '--dir', join(disk, 'store')])
    expect(added).toMatchObject({ code: 69, stderr: expect.stringMatching(/ENOSPC.*make room/) })
    rmSync(filler)
    const store = await openStore({ dir: join(disk, 'store') })
    expect(await store.create('a')).toMatchObject({ id: 1 })
    await store.close()
  })

  test('is told to who takes a job, and to who compacts', async (ctx) => {
    const disk = requireDisk(ctx, 256 * 1024)
    const store = await openStore({ dir: join(disk, 'store') })
    onTestFinished(() => store.close())
    const { id } = await store.create('a')
    const filler = join(disk, 'filler')
    execFileSync('sh', ['-c', 'cat /dev/zero >"$1" || :', 'sh', filler], { stdio: 'ignore' })
    const full = { code: 'ERR_JOBSLOT_STORE_IO', message: expect.stringMatching(/ENOSPC.*make room/) }
    await expect(store.pullJob()).rejects.toMatchObject(full)
    expect(readdirSync(store.dir).filter((name) => name.startsWith('worker-'))).toEqual([])
    await expect(store.compact()).rejects.toMatchObject(full)
    await expect(store.compact()).rejects.toMatchObject(full)
    rmSync(filler)
    expect(await store.compact()).toBe(true)
    expect(await store.pullJob()).toMatchObject({ id })
  })
})

describe('a claim whose end finds the disk full', () => {
  test('is held still: it can be ended again, or released', async (ctx) => {
    const disk = requireDisk(ctx, 512 * 1024)
    const store = await openStore({ dir: join(disk, 'store') })
    onTestFinished(() => store.close())
    const { id } = await store.create('a')
    await store.queue(id, 't')
    const first = (await store.pullJob())!
    const filler = join(disk, 'filler')
    const fill = () => execFileSync('sh', ['-c', 'cat /dev/zero >"$1" || :', 'sh', filler], { stdio: 'ignore' })
    fill()
    const value = 'x'.repeat(20_000)
    await expect(first.fulfill(value)).rejects.toMatchObject({ code: 'ERR_JOBSLOT_STORE_IO' })
    expect(first.signal.aborted).toBe(false)
    rmSync(filler)
    await first[Symbol.asyncDispose]()
    expect(await store.get(id)).toMatchObject({ state: 'pending' })
    const second = (await store.pullJob())!
    fill()
    await expect(second.fulfill(value)).rejects.toMatchObject({ code: 'ERR_JOBSLOT_STORE_IO' })
    rmSync(filler)
    await second.fulfill(value)
    expect(await store.get(id)).toMatchObject({ state: 'fulfilled' })
    const notification = (await store.pullNotification())!
    await notification.done(null, ['t'])
  })

  test('has failed when its time is over, as soon as that can be written', async (ctx) => {
    const disk = requireDisk(ctx, 512 * 1024)
    const store = await openStore({ dir: join(disk, 'store') })
    onTestFinished(() => store.close())
    const { id } = await store.create('a', { timeout: 100 })
    const job = (await store.pullJob())!
    const filler = join(disk, 'filler')
    // Up to the end of the journal's page, too.
    await store.create('x'.repeat(3500))
    execFileSync('sh', ['-c', 'cat /dev/zero >"$1" || :', 'sh', filler], { stdio: 'ignore' })
    for (;;) {
      try {
        await store.create('y')
      } catch {
        break
      }
    }
    await new Promise((resolve) => job.signal.addEventListener('abort', resolve))
    await sleep(50)
    expect(await store.get(id)).toMatchObject({ state: 'active' })
    rmSync(filler)
    expect(await store.wait(id, { timeout: 20_000 })).toMatchObject({ error: { code: 'ERR_JOBSLOT_TIMEOUT' } })
  })
})

describe('a folder', () => {
  test('that is not there, is none, or has no name is refused', async () => {
    const dir = tempDir()
    await expect(openStore({ dir: join(dir, 'a/b') })).rejects.toMatchObject({ code: 'ERR_JOBSLOT_STORE' })
    writeFileSync(join(dir, 'file'), '')
    await expect(openStore({ dir: join(dir, 'file') })).rejects.toMatchObject({ code: 'ERR_JOBSLOT_STORE' })
    await expect(openStore({ dir: '' })).rejects.toThrow(TypeError)
    await expect(openStore({ dir: '/proc/store' })).rejects.toMatchObject({ code: 'ERR_JOBSLOT_STORE' })
  })

  test('that cannot be written is told', async (ctx) => {
    const disk = requireDisk(ctx, 512 * 1024)
    const store = await openStore({ dir: join(disk, 'store') })
    await store.close()
    makeReadOnly(disk)
    await expect(openStore({ dir: store.dir })).rejects.toMatchObject({
      code: 'ERR_JOBSLOT_STORE_IO',
      message: expect.stringMatching(/EROFS.*right to write/),
    })
  })

  test('of a newer format is left as it is', async () => {
    const store = await testStore()
    await store.create('x')
    await store.close()
    const path = join(store.dir, 'journal-0000000002')
    const json = '{"n":2,"format":2,"segment":2,"from":100,"more":true}'
    const { crc32 } = process.getBuiltinModule('node:zlib')
    writeFileSync(path, `${crc32(json).toString(16).padStart(8, '0')} ${json}\nwhatever comes\n`)
    const before = readFileSync(path)
    await expect(openStore({ dir: store.dir })).rejects.toMatchObject({
      code: 'ERR_JOBSLOT_STORE',
      message: expect.stringMatching(/format 2.*knows 1/),
    })
    expect(readFileSync(path).equals(before)).toBe(true)
  })

  test('that is open in another PID namespace is refused, and free when it is closed there', async () => {
    const store = await testStore()
    const other = JSON.stringify({ boot: 'another', pidNamespace: 'pid:[1]' })
    writeFileSync(join(store.dir, 'lock'), `${other}\n`)
    await expect(openStore({ dir: store.dir })).rejects.toMatchObject({
      code: 'ERR_JOBSLOT_STORE',
      message: expect.stringMatching(/another PID namespace/),
    })
    await store.close()
    const again = await openStore({ dir: store.dir })
    await again.close()
  })

  test('with a damaged, short or missing mark, or a text of nonsense in its lock, is as good as before', async () => {
    const store = await testStore()
    await store.create('x')
    await store.close()
    for (const harm of [
      () => writeFileSync(join(store.dir, 'mark'), Buffer.alloc(4096, 0xff)),
      () => truncateSync(join(store.dir, 'mark'), 3),
      () => rmSync(join(store.dir, 'mark')),
      () => writeFileSync(join(store.dir, 'lock'), 'nonsense'),
      () => appendFileSync(join(store.dir, 'journal-0000000001'), Buffer.alloc(300)),
    ]) {
      harm()
      const again = await openStore({ dir: store.dir })
      expect((await again.list()).jobs.length).toBeGreaterThan(0)
      await again.create('y')
      expect(await again.verify()).toMatchObject({ ok: true })
      await again.close()
    }
  })
})

describe('a store that is removed while it is open, and made anew', () => {
  test('is not written by who has the old one, and not compacted', async () => {
    const dir = join(tempDir(), 'store')
    const old = await openStore({ dir })
    onTestFinished(() => old.close())
    await old.create('old')
    rmSync(dir, { recursive: true })
    await expect(old.create('ghost')).rejects.toMatchObject({
      code: 'ERR_JOBSLOT_STORE_IO',
      message: expect.stringMatching(/open it anew/),
    })
    const fresh = await openStore({ dir })
    const { id } = await fresh.create('new')
    await expect(old.compact()).rejects.toMatchObject({ code: 'ERR_JOBSLOT_STORE_IO' })
    await expect(old.create('ghost')).rejects.toMatchObject({ code: 'ERR_JOBSLOT_STORE_IO' })
    expect(await fresh.list()).toMatchObject({ jobs: [{ id, request: 'new' }] })
    await fresh.close()
    const again = await openStore({ dir })
    expect(await again.list()).toMatchObject({ jobs: [{ id, request: 'new' }] })
    expect(await again.verify()).toMatchObject({ ok: true, jobs: 1 })
    await again.close()
  })

  test('nor where its folder was moved away', async () => {
    const dir = join(tempDir(), 'store')
    const old = await openStore({ dir })
    onTestFinished(() => old.close())
    await old.create('old')
    renameSync(dir, `${dir}-moved`)
    const fresh = await openStore({ dir })
    await fresh.create('new')
    await expect(old.compact()).rejects.toMatchObject({ code: 'ERR_JOBSLOT_STORE_IO' })
    await fresh.close()
    const again = await openStore({ dir })
    expect(await again.list()).toMatchObject({ jobs: [{ request: 'new' }] })
    await again.close()
  })
})
