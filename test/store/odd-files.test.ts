import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { realLines } from '../../src/store/disk/real-disk.ts'
import { openStore } from '../../src/store/open.ts'
import { cli } from '../support/cli.ts'
import { run, tempDir } from '../support/processes.ts'

/** What may lie where a file of the store's should: none of it may be waited for. */
const ODD: Record<string, (path: string) => unknown> = {
  'a FIFO': (path) => execFileSync('mkfifo', [path]),
  'a folder': (path) => mkdirSync(path),
  'a socket': (path) =>
    new Promise((resolve) => {
      const server = createServer().listen(path, () => resolve(null))
      onTestFinished(() => void server.close())
    }),
  'a link to itself': (path) => symlinkSync(path, path),
  'a link to a device': (path) => symlinkSync('/dev/zero', path),
}

async function aStore(): Promise<string> {
  const dir = join(tempDir(), 'store')
  const store = await openStore({ dir })
  await store.create(1)
  await store.compact()
  await store.create('x')
  await (await store.pullJob())!.fulfill('v'.repeat(100_000))
  await store.close()
  return dir
}

test.each(
  Object.keys(ODD).flatMap((what) =>
    ['journal-0000000002', 'snapshot-0000000002', 'lock', 'mark'].map((name) => [what, name] as const),
  ),
)('%s in the place of %s is told, and not waited for', async (what, name) => {
  const dir = await aStore()
  rmSync(join(dir, name))
  await ODD[what]!(join(dir, name))
  const told = { code: 'ERR_JOBSLOT_STORE', message: expect.stringContaining(`${name} is no regular file`) }
  await expect(openStore({ dir })).rejects.toMatchObject(told)
})

test('job list tells of a FIFO in the place of a journal', async () => {
  const dir = await aStore()
  rmSync(join(dir, 'journal-0000000002'))
  execFileSync('mkfifo', [join(dir, 'journal-0000000002')])
  const { code, stderr } = await run([...cli, 'job', 'list', '--dir', dir])
  expect([code, stderr]).toEqual([69, expect.stringContaining('journal-0000000002 is no regular file')])
})

test.each(Object.keys(ODD))(
  "%s in the place of a value's file, or of a worker's, is told or passed over",
  async (what) => {
    const dir = await aStore()
    const value = execFileSync('ls', [dir], { encoding: 'utf8' }).match(/value-\S+/)![0]
    rmSync(join(dir, value))
    await ODD[what]!(join(dir, value))
    const store = await openStore({ dir })
    onTestFinished(() => store.close())
    await expect(store.get(1)).rejects.toMatchObject({ code: 'ERR_JOBSLOT_STORE' })
    expect(await store.verify()).toMatchObject({ ok: false, values: [1] })
    // One that runs a job, and is dead: for who looks whether it lives.
    const { id } = (await store.list({ state: 'pending' })).jobs[0]!
    const line = { n: 99, t: 1, op: 'claim', id, w: 77, pid: 1 }
    const bytes = Buffer.from(`00000000 ${JSON.stringify(line)}\n`)
    realLines.stamp(bytes, bytes.length)
    await ODD[what]!(join(dir, 'worker-77'))
    writeFileSync(join(dir, 'journal-0000000002'), bytes, { flag: 'a' })
    expect((await store.pullJob())?.id).toBe(id)
  },
)

test('a request whose file is a FIFO is written anew', async () => {
  const dir = await aStore()
  mkdirSync(join(dir, 'requests'))
  execFileSync('mkfifo', [join(dir, 'requests', '1.json')])
  const { code } = await run([...cli, 'job', 'work', '--dir', dir, '--drain', '-j1', '--', 'cat'])
  expect(code).toBe(0)
})

test('JSON that nests too deeply is refused, as a request, a target and a progress', async () => {
  const dir = await aStore()
  const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
  const store = await openStore({ dir })
  onTestFinished(() => store.close())
  const told = { code: 'ERR_JOBSLOT_TOO_LONG', message: expect.stringMatching(/deep|levels/) }
  for (const levels of [1001, 100_000]) {
    const value: unknown = JSON.parse(deep(levels))
    await expect(store.create(value)).rejects.toMatchObject(told)
    await expect(store.queue(1, value)).rejects.toMatchObject(told)
    await expect(store.unqueueAll(1, [value])).rejects.toMatchObject(told)
    const { code, stderr } = await run([...cli, 'job', 'add', '--dir', dir, '-'], { input: deep(levels) })
    expect([code, stderr]).toEqual([69, expect.stringMatching(/deep|levels/)])
  }
  const { id } = await store.create(JSON.parse(deep(1000)))
  await store.queue(id, JSON.parse(deep(1000)))
  await store.update(id, 1, JSON.parse(deep(1000)))
  await store.compact()
  await store.compact()
  expect(JSON.stringify((await store.get(id))?.request)).toBe(deep(1000))
  expect(await store.verify()).toMatchObject({ ok: true })
})
