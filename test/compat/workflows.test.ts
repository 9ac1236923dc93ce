import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openStore } from '../../src/store/open.ts'
import { tempDir } from '../support/processes.ts'
import { creation, first, fulfilment, notification } from './old-readme.ts'
import { NAME, runOld } from './program.ts'

/** What the workflows leave to their user. Their pauses of 10 s are cut short, and after some rounds there is no next. */
const user = `var JobStore = require('${NAME}')
var rounds = 0
function setTimeout(next) { if (++rounds < 4) setImmediate(next) }
function work(request) { console.log('work', JSON.stringify(request)); return String(eval(request.calculate)) }
function notify(target) { console.log('notify', JSON.stringify(target)); return true }
`

/** Replaces what stands there once. */
function corrected(text: string, wrong: string, right: string): string {
  expect(text.split(wrong).length).toBe(2)
  return text.replace(wrong, right)
}

describe('the README of fs-job-store', () => {
  test('its first example needs another name, and nothing else', async () => {
    const dir = tempDir()
    const { code, stderr } = await runOld(corrected(first, 'fs-job-store', NAME), { dir })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const store = await openStore({ dir })
    expect((await store.list()).jobs).toMatchObject([{ state: 'pending', request: { calculate: '3+3' } }])
    await store.close()
  })

  test('its workflows: jobs are created, fulfilled, and those told who wait for them', async () => {
    const dir = join(tempDir(), 'store')
    // Its text names the parameter otherwise than it uses it.
    const created = await runOld(
      `${user}var json_value = { calculate: '3+3' }
      ${creation}
      addJob()
      json_value = { calculate: '4*4' }
      addJob()`,
      { dir },
    )
    expect(created).toMatchObject({ code: 0, stderr: '' })

    const store = await openStore({ dir })
    const { jobs } = await store.list()
    for (const { id } of jobs) await store.queue(id, { mail: `${id}@b` })

    // A stray letter makes it no program at all.
    const fulfilled = await runOld(user + corrected(fulfilment, '\ni     if', '\n      if'), { dir })
    expect(fulfilled).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^(work .*\n){2}$/) })
    for (const { id } of jobs) {
      const job = (await store.get(id))!
      expect(job).toMatchObject({ state: 'fulfilled', waiting: [{ mail: `${id}@b` }] })
      expect(['6', '16']).toContain(job.value!.toString())
    }

    // It looks at the `job` of the workflow before, which there is none of here.
    const told = await runOld(user + corrected(notification, 'job === undefined)', 'notification === undefined)'), {
      dir,
    })
    expect(told).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^(notify .*\n){2}$/) })
    for (const { id } of jobs) expect(await store.get(id)).toMatchObject({ waiting: [] })
    expect(await store.stats()).toMatchObject({ fulfilled: 2, active: 0, workers: 0 })
    await store.close()
  })
})
