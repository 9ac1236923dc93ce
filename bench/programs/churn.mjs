// churn.mjs DIR: for each line of standard input, a number of jobs that are created and fulfilled, 16 at a time, and not
// kept: the most bytes of disk that the store took meanwhile, and those that the ones take which stay.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { JobStore } from '../../dist/store.js'
import { answer } from './answer.mjs'

const CALLERS = 16
const STAYING = 20_000
const request = { text: 'x'.repeat(1000) }

const [, , dir] = process.argv
const store = await JobStore.open({ dir, durability: 'os', retention: 0 })
await store.createMany(Array(STAYING).fill(request), { priority: -1 })
await store.compact()
const staying = diskUse()

function diskUse() {
  return readdirSync(dir).reduce((sum, name) => {
    const status = statSync(join(dir, name), { throwIfNoEntry: false })
    return sum + (status ? status.blocks * 512 : 0)
  }, 0)
}

await answer(async (jobs) => {
  let left = jobs
  let most = 0
  const caller = async () => {
    while (left-- > 0) {
      await store.create(request)
      const job = await store.pullJob()
      await job.fulfill('done')
      if (left % 50 === 0) most = Math.max(most, diskUse())
    }
  }
  await Promise.all(Array.from({ length: CALLERS }, caller))
  return { most, staying }
})
await store.close()
