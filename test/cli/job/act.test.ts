import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { contextSwitches, waitFor } from '../../support/processes.ts'
import { jobs, linesOf } from './jobs.ts'

/** Three jobs, of which the second has failed and the third was cancelled when `make` returns. */
async function three() {
  const made = jobs()
  await made.inStore(async (store) => {
    await store.createMany([1, 2, 3])
    await store.fulfill(1)
    await store.fail(2, new Error('no such file'))
    await store.cancel(3)
  })
  return made
}

describe('job wait', () => {
  test('is 0 where all are fulfilled', async () => {
    const { job, inStore } = jobs()
    await inStore(async (store) => {
      await store.createMany([1, 2])
      await store.fulfill(1)
      await store.fulfill(2)
    })
    expect(await job(['wait', '1', '2'])).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
  })

  test('is 1 where one has failed or was cancelled, and says which', async () => {
    const { job } = await three()
    expect(await job(['wait', '1', '2', '3'])).toEqual({
      code: 1,
      signal: null,
      stdout: '',
      stderr:
        'jobslot: job 2 failed: no such file: see jobslot job show 2\njobslot: job 3 was cancelled: see jobslot job show 3\n',
    })
  })

  test('is 75 where one has not ended in time, also beside one that has failed', async () => {
    const { job } = await three()
    const { stdout: id } = await job(['add', '4'])
    for (const words of [
      ['--timeout', '0'],
      ['-w', '50ms'],
    ]) {
      const { code, stderr } = await job(['wait', '2', id.trim(), ...words])
      expect(code).toBe(75)
      expect(stderr).toContain(`jobslot: job ${id.trim()} has not finished: it is pending\n`)
    }
  })

  test('ends when the last of them does, and costs nothing until then', async () => {
    const { job, start, inStore } = jobs()
    await job(['add', '1'])
    await job(['add', '2'])
    const waiting = start(['wait', '1', '2'])
    let isOver = false
    waiting.result.finally(() => {
      isOver = true
    })
    await inStore(async (store) => {
      await store.fulfill(1)
      await sleep(1000)
      const before = contextSwitches(waiting.pid)
      await sleep(1000)
      expect(contextSwitches(waiting.pid) - before).toBeLessThan(20)
      expect(isOver).toBe(false)
      await store.fulfill(2)
    })
    expect(await waiting.result).toMatchObject({ code: 0, stderr: '' })
  })

  test('does not wait for others where one is not there, or goes', async () => {
    const { job, start, inStore } = jobs()
    await job(['add', '1'])
    expect(await job(['wait', '1', '9'])).toMatchObject({ code: 69, stderr: expect.stringContaining('no job 9') })
    const waiting = start(['wait', '1'])
    await sleep(500)
    await inStore((store) => store.remove(1))
    expect(await waiting.result).toMatchObject({ code: 69, stderr: expect.stringContaining('no job 1') })
  })

  test('ends at Ctrl-C', async () => {
    const { job, start } = jobs()
    await job(['add', '1'])
    const waiting = start(['wait', '1'])
    await sleep(500)
    waiting.child.kill('SIGINT')
    expect(await waiting.result).toMatchObject({ signal: 'SIGINT', stderr: '' })
  })
})

describe('job cancel', () => {
  test('ends what waits and what runs; who runs it learns how long it has', async () => {
    const { job, inStore } = jobs()
    await inStore(async (store) => {
      await store.createMany([1, 2, 3])
      const running = (await store.pullJob())!
      const { signal } = running
      expect(await job(['cancel', '1', '2', '--grace', '1.5s'])).toEqual({
        code: 0,
        signal: null,
        stdout: '',
        stderr: '',
      })
      await waitFor(() => signal.aborted)
      expect(await store.get(1)).toMatchObject({
        state: 'cancelled',
        error: { message: 'it was cancelled', grace: 1500 },
      })
      expect(await job(['cancel', '3'])).toMatchObject({ code: 0 })
      expect((await store.get(3))?.error).toEqual({ message: 'it was cancelled' })
    })
  })

  test('does what it can, and tells the rest', async () => {
    const { job, inStore } = await three()
    await job(['add', '4'])
    const { jobs: found } = await inStore((store) => store.list({ state: 'pending' }))
    const pending = found[0]!.id
    const { code, stderr } = await job(['cancel', '2', '99', `${pending}`])
    expect({ code, stderr }).toEqual({
      code: 69,
      stderr:
        'jobslot: job 2 cannot be cancelled: it is failed\n' +
        'jobslot: there is no job 99: it never was, was removed, or its time to be kept is over\n',
    })
    expect(await inStore((store) => store.get(pending))).toMatchObject({ state: 'cancelled' })
  })

  test('wants a time of grace that is one', async () => {
    const { job } = await three()
    expect(await job(['cancel', '1', '--grace', 'x'])).toMatchObject({
      code: 64,
      stderr: expect.stringMatching(/--grace takes a time .*: see jobslot job cancel --help\n$/),
    })
  })
})

describe('job retry', () => {
  test('makes failed and cancelled ones pending again', async () => {
    const { job, inStore } = await three()
    expect(await job(['retry', '2', '3'])).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
    expect(await inStore((store) => store.stats())).toMatchObject({ pending: 2, fulfilled: 1 })
    expect(await job(['retry', '1'])).toMatchObject({
      code: 69,
      stderr: 'jobslot: job 1 cannot be retried: it is fulfilled\n',
    })
  })
})

describe('job remove', () => {
  test('forgets jobs, and removes their logs', async () => {
    const { job, dir, inStore } = await three()
    mkdirSync(join(dir, 'logs'))
    for (const id of [1, 2]) writeFileSync(join(dir, 'logs', `${id}.log`), 'text\n')
    expect(await job(['remove', '2', '3'])).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
    expect((await inStore((store) => store.list())).jobs.map(({ id }) => id)).toEqual([1])
    expect(existsSync(join(dir, 'logs/1.log'))).toBe(true)
    expect(existsSync(join(dir, 'logs/2.log'))).toBe(false)
  })
})

describe('job pause', () => {
  test('keeps jobs from being started until job resume, and is told', async () => {
    const { job, inStore } = jobs()
    await job(['add', '1'])
    expect(await job(['pause'])).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
    expect(await inStore((store) => store.pullJob())).toBeUndefined()
    const told = 'is paused: no job is started until jobslot job resume'
    expect((await job(['list'])).stderr).toBe(`jobslot: the store ${told}\n`)
    expect((await job(['stats'])).stdout).toContain('\npaused: no job is started until jobslot job resume\n')
    const listed = await job(['list', '--json'])
    expect(linesOf(listed.stdout)).toMatchObject([{ id: 1 }])
    expect(listed.stderr).toBe('')
    expect(await job(['resume'])).toMatchObject({ code: 0, stdout: '', stderr: '' })
    expect(await inStore(async (store) => (await store.pullJob())?.id)).toBe(1)
    expect((await job(['list'])).stderr).toBe('')
  })

  test.for(['pause', 'resume', 'stats', 'verify', 'compact', 'list'])('job %s takes no operand', async (command) => {
    const { job } = await three()
    expect(await job([command, '1'])).toMatchObject({
      code: 64,
      stderr: `jobslot: job ${command}: what is meant by "1": see jobslot job ${command} --help\n`,
    })
  })
})
