import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { LockedLives } from '../../src/store/disk/lives.ts'
import type { RealDisk } from '../../src/store/disk/real-disk.ts'
import { openStore } from '../../src/store/open.ts'
import { tempDir } from '../support/processes.ts'
import { testStore } from './folder.ts'

test('who waits beside others, while a job runs, uses no CPU', async () => {
  const store = await testStore({ durability: 'os' })
  const { id } = await store.create('a')
  const job = (await store.pullJob())!
  const others = await Promise.all([1, 2, 3].map(() => openStore({ dir: store.dir, durability: 'os' })))
  onTestFinished(() => Promise.all(others.map((other) => other.close())).then(() => {}))
  const waits = others.map((other) => other.wait(id))
  await sleep(200)
  const before = process.cpuUsage()
  await sleep(1000)
  const { user, system } = process.cpuUsage(before)
  expect(user + system).toBeLessThan(120_000)
  await job.fulfill()
  await Promise.all(waits)
})

test('a worker lives as long as nobody can look: there may be no descriptor left for that', () => {
  const dir = tempDir()
  const disk = { path: (name: string) => `${dir}/${name}`, openOwn: (name: string) => openSync(`${dir}/${name}`, 'w+') }
  const one = new LockedLives(disk as RealDisk, '', 1000)
  const other = new LockedLives(disk as RealDisk, '', 1000)
  onTestFinished(() => one.leave())
  const { own } = one
  expect(other.isAlive(own)).toBe(true)
  expect(other.isAlive(own + 1)).toBe(false)
  const all: number[] = []
  try {
    for (;;) all.push(openSync('/dev/null', 'r'))
  } catch (error) {
    expect(error).toMatchObject({ code: 'EMFILE' })
    expect(other.isAlive(own + 1)).toBe(true)
    expect(other.isOverdue(own + 1)).toBe(false)
  } finally {
    for (const fd of all) closeSync(fd)
  }
})
