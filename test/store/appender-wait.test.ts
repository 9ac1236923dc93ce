import { spawn, spawnSync } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { native } from '../../src/native/load.ts'
import { isStopped } from '../../src/proc.ts'
import type { JobStore } from '../../src/store/job-store.ts'
import { openStore } from '../../src/store/open.ts'
import { waitFor } from '../support/processes.ts'
import { testStore } from './folder.ts'

/** As the addon's `Mark` has it. */
const HOLDER = 88

/** In the midst of an append, as far as others can tell, until it is called. */
function append({ dir }: JobStore, pid: number): () => void {
  const lock = openSync(join(dir, 'lock'), 'r+')
  expect(native().lock(lock, 0, true)).toBe(0)
  const mark = openSync(join(dir, 'mark'), 'r+')
  const holder = Buffer.alloc(4)
  holder.writeInt32LE(pid)
  writeSync(mark, holder, 0, 4, HOLDER)
  closeSync(mark)
  let isOver = false
  const over = () => {
    if (!isOver) closeSync(lock)
    isOver = true
  }
  onTestFinished(over)
  return over
}

test('a store is opened while another process appends', async () => {
  const store = await testStore()
  append(store, process.pid)
  const second = await openStore({ dir: store.dir })
  onTestFinished(() => second.close())
  expect(await second.list()).toEqual({ jobs: [], cursor: null })
})

test('an operation waits until the append of another is over', async () => {
  const store = await testStore()
  const over = append(store, process.pid)
  const creating = store.create('x')
  await sleep(200)
  expect((await store.list()).jobs).toEqual([])
  over()
  expect(await creating).toMatchObject({ id: 1 })
})

test('one that was killed in the midst of an append, and is still said to be at it, is not waited for', async () => {
  const store = await testStore()
  const { pid } = spawnSync(process.execPath, ['-e', '0'])
  const over = append(store, pid)
  const creating = store.create('x')
  await sleep(50)
  over()
  const begin = performance.now()
  await creating
  // Not until patience is over, which is 20 s.
  expect(performance.now() - begin).toBeLessThan(10_000)
})

test('one that is stopped in the midst of an append is named, and when it goes on so does all else', async () => {
  const store = await testStore()
  const child = spawn('sleep', ['60'])
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  child.kill('SIGSTOP')
  await waitFor(() => isStopped(child.pid!))
  const over = append(store, child.pid!)
  const refused = await store.create('x').catch((error: unknown) => error)
  expect(refused).toMatchObject({ code: 'ERR_JOBSLOT_STORE_BUSY' })
  expect(String(refused)).toContain(`kill -CONT ${child.pid}`)
  await expect(store.compact()).rejects.toMatchObject({ code: 'ERR_JOBSLOT_STORE_BUSY' })
  over()
  expect(await store.create('y')).toMatchObject({ id: 1 })
})
