import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { waitFor } from '../../support/processes.ts'
import { peak, readSpans } from '../../support/spans.ts'
import { type Working, working } from './working.ts'

/** Does what its request says. */
const MODULE = `
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
const note = (what) => appendFileSync('spans', \`\${what} \${process.hrtime.bigint()} \${process.pid} job\\n\`)

export default async (request, job) => {
  console.log('job', job.id, 'attempt', job.attempt)
  console.error('on stderr')
  if (request.ms !== undefined) {
    note('B')
    await sleep(request.ms)
    note('E')
  }
  if (request.throws) throw Object.assign(new Error('thrown by the job'), { code: 'ERR_OWN' })
  if (request.exits) process.exit(3)
  if (request.hangs) for (;;) {}
  if (request.waits) {
    appendFileSync('begun', 'x\\n')
    await new Promise((_, reject) => job.signal.addEventListener('abort', () => {
      appendFileSync('ended', 'x\\n')
      reject(job.signal.reason)
    }))
  }
  if (request.bytes) return new Uint8Array([255, 0])
  if (request.text) return request.text
  if (request.pid) return { pid: process.pid }
}
`

async function workingWith(text = MODULE): Promise<Working & { words: string[] }> {
  const w = await working()
  writeFileSync(join(w.cwd, 'jobs.mjs'), text)
  return { ...w, words: ['--module', 'jobs.mjs', '--slots', '2', '--grace', '300ms'] }
}

describe('--module', { timeout: 40_000 }, () => {
  test('runs each job by its default export, which answers with the value', async () => {
    const { store, work, words, log } = await workingWith()
    const [bytes, text, nothing] = await store.createMany([{ bytes: true }, { text: 'plain' }, {}])
    expect(await work([...words, '--drain'])).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
    expect((await store.get(bytes!.id))?.value).toEqual(Buffer.from([255, 0]))
    expect((await store.get(text!.id))?.value?.toString()).toBe('plain')
    expect((await store.get(nothing!.id))?.value?.length).toBe(0)
    expect(log(text!.id)).toMatch(new RegExp(`^--- attempt 1, .*\njob ${text!.id} attempt 1\non stderr\n$`))
  })

  test('in as many workers as there are slots, which are used again', async () => {
    const { store, work, words, cwd } = await workingWith()
    const jobs = await store.createMany(Array.from({ length: 8 }, () => ({ ms: 150, pid: true })))
    expect(await work([...words, '--drain'])).toMatchObject({ code: 0 })
    expect(peak(readSpans(join(cwd, 'spans')))).toBe(2)
    const values = await Promise.all(jobs.map(async ({ id }) => (await store.get(id))?.value?.toString()))
    expect(new Set(values).size).toBe(2)
  })

  test('may be CommonJS, and answer without a promise', async () => {
    const { store, work, cwd } = await working()
    writeFileSync(join(cwd, 'jobs.cjs'), 'module.exports = ({ n }, { id }) => ({ id, double: 2 * n })')
    const { id } = await store.create({ n: 4 })
    expect(await work(['--module', 'jobs.cjs', '--slots', '1', '--drain'])).toMatchObject({ code: 0, stderr: '' })
    expect((await store.get(id))?.value?.toString()).toBe(`{"id":${id},"double":8}`)
  })

  test('one that throws has failed, with its error', async () => {
    const { store, work, words, log } = await workingWith()
    const { id } = await store.create({ throws: true }, { attempts: 2, backoff: 10 })
    expect(await work([...words, '--drain'])).toMatchObject({ code: 1 })
    const job = await store.get(id)
    expect(job).toMatchObject({ state: 'failed', attempt: 2, error: { message: 'thrown by the job', code: 'ERR_OWN' } })
    expect(job?.error?.stack).toContain('jobs.mjs')
    expect(log(id)).toContain('Error: thrown by the job')
  })

  test('one that ends its worker has failed; the next one has another', async () => {
    const { store, work, words } = await workingWith()
    const [bad, good] = await store.createMany([{ exits: true }, { text: 'good' }])
    expect(await work([...words, '--slots', '1', '--drain'])).toMatchObject({ code: 1 })
    expect((await store.get(bad!.id))?.error?.message).toBe('its worker ended with status 3')
    expect((await store.get(good!.id))?.state).toBe('fulfilled')
  })

  test('one that hangs past its timeout is killed with its worker', async () => {
    const { store, work, words, processes } = await workingWith()
    const bad = await store.create({ hangs: true }, { timeout: 400 })
    const good = await store.create({ text: 'good' })
    expect(await work([...words, '--slots', '1', '--drain'], { timeout: 20_000 })).toMatchObject({ code: 1 })
    expect(await store.get(bad.id)).toMatchObject({ state: 'failed', error: { code: 'ERR_JOBSLOT_TIMEOUT' } })
    expect((await store.get(good.id))?.state).toBe('fulfilled')
    expect(processes()).toEqual([])
  })

  test('one that is cancelled is told, and its worker goes on', async () => {
    const { store, work, words, cwd } = await workingWith()
    const { id } = await store.create({ waits: true })
    const result = work([...words, '--slots', '1', '--grace', '1h', '--drain'])
    await waitFor(() => existsSync(join(cwd, 'begun')), 15_000)
    await store.cancel(id)
    expect(await result).toMatchObject({ code: 1 })
    expect(existsSync(join(cwd, 'ended'))).toBe(true)
    expect((await store.get(id))?.state).toBe('cancelled')
  })

  test('a second signal ends the jobs, which are free for others', async () => {
    const { store, start, words, cwd, processes } = await workingWith()
    const { id } = await store.create({ waits: true })
    const { child, result, stderr } = start(words)
    await waitFor(() => existsSync(join(cwd, 'begun')), 15_000)
    child.kill('SIGTERM')
    await waitFor(() => stderr().includes('takes no more jobs'))
    child.kill('SIGTERM')
    expect(await result).toMatchObject({ code: null, signal: 'SIGTERM' })
    expect(await store.get(id)).toMatchObject({ state: 'pending', failures: 0 })
    expect(processes()).toEqual([])
  })

  test('the workers of a killed one end, before their jobs run again', async () => {
    const { store, start, work, words, cwd, processes } = await workingWith()
    const { id } = await store.create({ ms: 2000, text: 'done' })
    const { child, result } = start([...words, '--grace', '100ms'])
    await waitFor(() => existsSync(join(cwd, 'spans')), 15_000)
    child.kill('SIGKILL')
    await result
    expect(await work([...words, '--grace', '100ms', '--drain'])).toMatchObject({ code: 0 })
    expect(await store.get(id)).toMatchObject({ state: 'fulfilled', attempt: 2, lost: 1 })
    expect(readFileSync(join(cwd, 'spans'), 'utf8').replaceAll(/ .*\n/g, '')).toBe('BBE')
    expect(processes()).toEqual([])
  })

  test.for([
    ['export const one = 1', /has no function as its default export/],
    ['throw new Error("at its start")', /at its start/],
    ['process.exit(0)', /ended with status 0 before it called serve/],
  ] as const)('no job is taken for a module that cannot run any: %s', async ([text, message]) => {
    const { store, work, words } = await workingWith(text)
    const { id } = await store.create({})
    const { code, stderr } = await work([...words, '--drain'])
    expect(code).toBe(69)
    expect(stderr).toMatch(/^jobslot: worker jobs ended with status \d before/)
    expect(stderr).toMatch(message)
    expect(await store.get(id)).toMatchObject({ state: 'pending', attempt: 0 })
  })

  test('a signal ends the start of a module that does not end by itself', async () => {
    const { start, words, cwd } = await workingWith(
      'import { writeFileSync } from "node:fs"; writeFileSync("begun", ""); for (;;) {}',
    )
    const { child, result } = start(words)
    await waitFor(() => existsSync(join(cwd, 'begun')), 15_000)
    child.kill('SIGTERM')
    expect(await result).toMatchObject({ code: null, signal: 'SIGTERM', stderr: '' })
  })

  test('a module that is not there', async () => {
    const { work } = await workingWith()
    const { code, stderr } = await work(['--module', 'none.mjs'])
    expect(code).toBe(64)
    expect(stderr).toMatch(/^jobslot: job work: there is no module .*none\.mjs: see jobslot job work --help\n$/)
  })
})
