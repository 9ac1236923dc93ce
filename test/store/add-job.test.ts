import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { addJob } from '../../src/store/add-job.ts'
import { openStore } from '../../src/store/open.ts'
import { tempDir } from '../support/processes.ts'
import { testStore } from './folder.ts'

test('a job is added without reading the others', async () => {
  const dir = join(tempDir(), 'store')
  expect(await addJob('first', { dir })).toMatchObject({ id: 1 })
  const store = await openStore({ dir, durability: 'os' })
  await store.createMany(Array.from({ length: 3000 }, (_, i) => ({ i, text: 'some text' })))
  expect(await addJob({ last: true }, { dir, priority: 5 })).toMatchObject({ id: 3002 })
  expect(await store.pullJob()).toMatchObject({ id: 3002, request: { last: true } })
  await store.close()
})

test('also behind a compaction, and behind a torn line', async () => {
  const store = await testStore({ durability: 'os' })
  await store.createMany([1, 2, 3])
  await store.compact()
  // The snapshot has a line of its own.
  expect(await addJob(4, { dir: store.dir })).toMatchObject({ id: 5 })
  appendFileSync(join(store.dir, 'journal-0000000002'), '12345678 {"n":6,"t":1,"op":"cre')
  expect(await addJob(5, { dir: store.dir })).toMatchObject({ id: 6 })
  expect((await store.list()).jobs.map(({ request }) => request)).toEqual([1, 2, 3, 4, 5])
  expect(await store.verify()).toMatchObject({ ok: true })
})

test('with a key, the store is looked at', async () => {
  const store = await testStore()
  const { id } = await store.create('x', { key: 'k' })
  expect(await addJob('y', { dir: store.dir, key: 'k' })).toMatchObject({ id, existing: true })
  await expect(addJob('z', { dir: store.dir, after: [77] })).rejects.toMatchObject({ code: 'ERR_JOBSLOT_NO_JOB' })
  await expect(addJob(undefined, { dir: store.dir })).rejects.toThrow(TypeError)
})

test('many at once, by many who look at the tail alone, all get numbers of their own', async () => {
  const store = await testStore({ durability: 'os' })
  const added = await Promise.all(Array.from({ length: 30 }, (_, i) => addJob(i, { dir: store.dir, durability: 'os' })))
  expect(new Set(added.map(({ id }) => id)).size).toBe(30)
  expect((await store.stats()).pending).toBe(30)
})

test.for([2, 30, 250])(
  'what is added behind a line that a power cut has torn, %i lines back, is there after the next one',
  async (back) => {
    const store = await testStore({ durability: 'os' })
    await store.createMany(Array.from({ length: 300 }, (_, i) => `job ${i}`))
    await store.close()
    const file = join(store.dir, 'journal-0000000001')
    const bytes = readFileSync(file)
    const torn = bytes.indexOf(`job ${300 - back}"`)
    bytes[torn] = 0
    writeFileSync(file, bytes)
    // It is of the run of the machine that the power cut has ended.
    const forgetMark = () => rmSync(join(store.dir, 'mark'))
    forgetMark()
    const { id } = await addJob('added', { dir: store.dir })
    forgetMark()
    const again = await testStore({ dir: store.dir })
    expect(await again.get(id)).toMatchObject({ request: 'added' })
    expect(await again.stats()).toMatchObject({ pending: 301 - back, damage: [], missing: 0 })
  },
)
