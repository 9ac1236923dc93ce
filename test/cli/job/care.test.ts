import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { jobs } from './jobs.ts'

/** A store whose second job cannot be read: one byte of its line is another. */
async function damaged() {
  const made = jobs()
  await made.inStore((store) => store.createMany(['first', 'second', 'third']))
  // Written by another process, a line tells that all before it was on disk.
  await made.job(['add', '"fourth"'])
  const file = join(made.dir, 'journal-0000000001')
  const text = readFileSync(file, 'latin1')
  const at = text.indexOf('second')
  const fd = openSync(file, 'r+')
  writeSync(fd, 'X', at)
  closeSync(fd)
  const line = text.slice(text.lastIndexOf('\n', at) + 1, text.indexOf('\n', at) + 1)
  return { ...made, offset: text.indexOf(line), bytes: line.length }
}

describe('job verify', () => {
  test('is 0 where nothing is damaged', async () => {
    const { job, inStore } = jobs()
    await job(['add', '1'])
    expect(await job(['verify'])).toEqual({
      code: 0,
      signal: null,
      stdout: '1 job, and nothing is damaged\n',
      stderr: '',
    })
    expect(JSON.parse((await job(['verify', '--json'])).stdout)).toEqual(await inStore((store) => store.verify()))
  })

  test('is 1 where something is, and says what and where; after job compact it is gone', async () => {
    const { job, offset, bytes } = await damaged()
    const lines = [
      `damage: journal-0000000001: ${bytes} bytes at ${offset} cannot be read`,
      'damage: 1 line of the journal is lost',
      '3 jobs can be read: jobslot job compact leaves out what cannot',
    ]
    expect(await job(['verify'])).toEqual({ code: 1, signal: null, stdout: `${lines.join('\n')}\n`, stderr: '' })
    const json = await job(['verify', '--json'])
    expect(json.code).toBe(1)
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, jobs: 3, missing: 1, damage: [{ offset, bytes }] })
    expect((await job(['stats'])).stdout).toContain(lines[0])
    const told = { code: 0, stderr: 'jobslot: the store is damaged: see jobslot job verify\n' }
    expect(await job(['list'])).toMatchObject(told)
    expect(await job(['list', '--json'])).toMatchObject(told)
    expect(await job(['compact'])).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
    expect(await job(['verify'])).toMatchObject({ code: 0, stdout: '3 jobs, and nothing is damaged\n' })
  })

  test('tells of values that cannot be read', async () => {
    const { job, dir, inStore } = jobs()
    await inStore(async (store) => {
      await store.create(1)
      await store.fulfill(1, 'x'.repeat(100_000))
    })
    const [name = ''] = readdirSync(dir).filter((name) => name.startsWith('value-'))
    writeFileSync(join(dir, name), 'short')
    const { code, stdout } = await job(['verify'])
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout:
        'damage: the value of job 1 cannot be read\n1 job can be read: jobslot job compact leaves out what cannot\n',
    })
    const shown = await job(['show', '1'])
    expect(shown).toMatchObject({ code: 69, stdout: '', stderr: expect.stringContaining('is damaged') })
  })
})

describe('job compact', () => {
  test('forgets what need not be kept, and the logs of jobs that are gone; not what is others’', async () => {
    const { job, dir, inStore } = jobs()
    await inStore(async (store) => {
      await store.create(1, { retention: 0 })
      await store.create(2)
      await store.fulfill(1)
      await store.fulfill(2)
    })
    mkdirSync(join(dir, 'logs'))
    const logs = ['1.log', '2.log', '99.log', 'notes.txt', '01.log', '1.log.old']
    for (const name of logs) writeFileSync(join(dir, 'logs', name), '')
    expect(await job(['compact'])).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
    expect((await inStore((store) => store.list())).jobs.map(({ id }) => id)).toEqual([2])
    expect(readdirSync(join(dir, 'logs')).sort()).toEqual(['01.log', '1.log.old', '2.log', 'notes.txt'])
    expect(existsSync(join(dir, 'journal-0000000001'))).toBe(false)
  })
})
