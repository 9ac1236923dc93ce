import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { ownRealm } from '../../src/store/disk/owner.ts'
import { RealDisk } from '../../src/store/disk/real-disk.ts'
import { FolderWatch } from '../../src/store/disk/watch.ts'
import { tempDir, waitFor } from '../support/processes.ts'
import { testStore } from './folder.ts'

test('a watch that begins has its user look once: what came before is told by nothing', async () => {
  const disk = new RealDisk(tempDir(), ownRealm().boot)
  let told = 0
  const watch = new FolderWatch(disk, () => told++)
  onTestFinished(() => {
    watch.off()
    disk.close()
  })
  watch.on()
  watch.on()
  expect(told).toBe(0)
  await waitFor(() => told === 1)
  await sleep(20)
  expect(told).toBe(1)
  watch.off()
})

test('who runs a job and waits for nothing learns soon that it was cancelled elsewhere', async () => {
  const store = await testStore()
  await store.create('x')
  const job = (await store.pullJob())!
  const reason = new Promise((resolve) => {
    job.oncompromised = resolve
  })
  const other = await testStore({ dir: store.dir })
  await other.cancel(1)
  await waitFor(() => job.signal.aborted, 3000)
  expect(await reason).toMatchObject({ code: 'ERR_JOBSLOT_CLAIM_LOST' })
})
