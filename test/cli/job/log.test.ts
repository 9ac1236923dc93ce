import { appendFileSync, existsSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openStore } from '../../../src/store/open.ts'
import { contextSwitches, type Running, tempDir, waitFor } from '../../support/processes.ts'
import { jobs } from './jobs.ts'
import { working } from './working.ts'

/** A store with one job, and what a worker does with its log. */
async function running(request: unknown = 'x') {
  const made = jobs()
  const store = await openStore({ dir: made.dir })
  onTestFinished(() => store.close())
  const { id } = await store.create(request)
  const log = join(made.dir, 'logs', `${id}.log`)
  const write = (text: string, path = log) => {
    mkdirSync(join(path, '..'), { recursive: true })
    appendFileSync(path, text)
  }
  return { ...made, store, id, log, write }
}

/** What it has printed by now. */
function printed({ child }: Running): () => string {
  let text = ''
  child.stdout!.on('data', (part) => {
    text += part
  })
  return () => text
}

function printsIn(following: Running, text: string): () => boolean {
  const all = printed(following)
  return () => all().includes(text)
}

describe('job log', () => {
  test('prints what a job has printed', async () => {
    const { job, write } = await running()
    const text = `--- attempt 1, 2030-01-31T17:30:00.000Z\n${'a line\n'.repeat(50_000)}no end of line`
    write(text)
    expect(await job(['log', '1'])).toEqual({ code: 0, signal: null, stdout: text, stderr: '' })
  })

  test('prints the file that its request names', async () => {
    const path = join(tempDir(), 'own.log')
    const { job, write, log } = await running({ cmd: ['true'], cwd: '/', log: path })
    write('mine\n', path)
    expect(await job(['log', '1'])).toMatchObject({ code: 0, stdout: 'mine\n' })
    expect(existsSync(log)).toBe(false)
  })

  test('says why there is nothing', async () => {
    const { job, store } = await running()
    expect(await job(['log', '1'])).toEqual({
      code: 0,
      signal: null,
      stdout: '',
      stderr: 'jobslot: job 1 has no output yet: it is pending\n',
    })
    await store.fulfill(1)
    expect(await job(['log', '1'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'jobslot: job 1 has no log: it is fulfilled, and jobslot job work has not run it\n',
    })
  })

  test('tells of the error of a job that was not started', async () => {
    const { job, store } = await running()
    await store.fail(1, new Error('its request is no command'), { retry: false })
    expect(await job(['log', '1'])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'jobslot: job 1 has no log: it is failed: its request is no command\n',
    })
  })

  test.for([
    ['/dev/zero', 'it is no file'],
    ['/proc/1/task', 'it is no file'],
    ['/etc/passwd/x', '(ENOTDIR)'],
  ])('of %s is an error', async ([path, why]) => {
    const { job } = await running({ cmd: ['true'], cwd: '/', log: path })
    for (const words of [
      ['log', '1'],
      ['log', '1', '-f'],
    ]) {
      const { code, stdout, stderr } = await job(words)
      expect({ code, stdout }).toEqual({ code: 69, stdout: '' })
      expect(stderr).toMatch(`jobslot: the log ${path} cannot be read`)
      expect(stderr).toContain(why)
    }
  })
})

describe('job log --follow', () => {
  test('goes on until the job has ended, and misses nothing', async () => {
    const { start, store, write } = await running()
    const following = start(['log', '1', '--follow'])
    const text = printed(following)
    await waitFor(() => following.stderr().includes('what it prints will appear here'), 10_000)
    const job = (await store.pullJob())!
    write('one\n')
    await waitFor(() => text() === 'one\n')
    write('two\n')
    await waitFor(() => text() === 'one\ntwo\n')
    await job.fail(new Error('x'), { retry: true })
    await sleep(300)
    expect(following.child.exitCode).toBeNull()
    write('three\n')
    await waitFor(() => text().endsWith('three\n'))
    write('four')
    await store.fulfill(1)
    expect(await following.result).toMatchObject({ code: 0, stdout: 'one\ntwo\nthree\nfour' })
  })

  test('goes on while the processes of a cancelled job do', { timeout: 30_000 }, async () => {
    const w = await working()
    const id = await w.script(
      // A shell tells of a command that TERM has ended.
      "trap 'echo ending; sleep 1; echo over; exit' TERM; echo begun; while :; do (trap '' TERM; exec sleep 0.1); done",
    )
    const worker = w.work(['--slots', '1', '--drain'])
    const following = jobs(w.dir).start(['log', `${id}`, '-f'])
    await waitFor(printsIn(following, 'begun\n'), 15_000)
    await w.store.cancel(id)
    expect((await following.result).stdout).toMatch(/\nbegun\nending\nover\n$/)
    await worker
  })

  test('waits no longer for the end of a run than its grace: its worker may have been killed', async () => {
    const { start, store, dir, write } = await running()
    mkdirSync(join(dir, 'requests'))
    writeFileSync(join(dir, 'requests/1.json'), '"x"')
    write('x\n')
    const following = start(['log', '1', '-f'])
    await waitFor(printsIn(following, 'x\n'), 10_000)
    await store.cancel(1, 'enough', { grace: 0 })
    expect(await following.result).toMatchObject({ code: 0, stdout: 'x\n' })
  })

  test('of one that has ended is its log', async () => {
    const { job, store, write } = await running()
    write('text\n')
    await store.fulfill(1)
    expect(await job(['log', '-f', '1'])).toEqual({ code: 0, signal: null, stdout: 'text\n', stderr: '' })
  })

  test('finds a log that is made late, in a folder that is made late', async () => {
    const path = join(tempDir(), 'late/own.log')
    const { start, store, write } = await running({ cmd: ['true'], cwd: '/', log: path })
    const following = start(['log', '1', '-f'])
    const text = printed(following)
    await waitFor(() => following.stderr() !== '', 10_000)
    // By now it watches.
    await sleep(1000)
    write('late\n', path)
    await waitFor(() => text() === 'late\n')
    await store.fulfill(1)
    expect(await following.result).toMatchObject({ code: 0 })
  })

  test('goes on with a log that was emptied', async () => {
    const { start, store, log, write } = await running()
    write('long text before\n')
    const following = start(['log', '1', '-f'])
    const text = printed(following)
    await waitFor(() => text() === 'long text before\n', 10_000)
    truncateSync(log, 0)
    await sleep(100)
    write('new\n')
    await waitFor(() => text() === 'long text before\nnew\n')
    await store.fulfill(1)
    expect(await following.result).toMatchObject({ code: 0 })
  })

  test('ends when the job is removed, and says so', async () => {
    const { start, store, write } = await running()
    write('x\n')
    const following = start(['log', '1', '-f'])
    const text = printed(following)
    await waitFor(() => text() === 'x\n', 10_000)
    await store.remove(1)
    expect(await following.result).toMatchObject({ code: 69, stderr: expect.stringContaining('there is no job 1') })
  })

  test('ends at Ctrl-C, and is not busy until then', async () => {
    const { start, write } = await running()
    write('x\n')
    const following = start(['log', '1', '-f'])
    const text = printed(following)
    await waitFor(() => text() === 'x\n', 10_000)
    await sleep(500)
    const before = contextSwitches(following.pid)
    await sleep(2000)
    expect(contextSwitches(following.pid) - before).toBeLessThan(60)
    following.child.kill('SIGINT')
    expect(await following.result).toMatchObject({ signal: 'SIGINT' })
  })

  test('ends when nobody reads any more', async () => {
    const { start, write } = await running()
    write('x\n')
    const following = start(['log', '1', '-f'])
    const text = printed(following)
    await waitFor(() => text() === 'x\n', 10_000)
    following.child.stdout!.destroy()
    write('y\n')
    await waitFor(() => following.child.exitCode !== null, 10_000)
    expect(following.child.exitCode).toBe(0)
  })
})
