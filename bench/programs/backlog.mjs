// backlog.mjs WAY DIR JOBS PART, a store or a table with so many pending jobs. PART is what is done:
//   fill  makes it
//   open  opens it, and prints the time in ns that took, and the bytes of memory for each job
//   pull  claims the next job, for each line of standard input as often as that says, and prints the time in ns that one
//         claim took; it is given back beside that
import { answer } from './answer.mjs'

const AT_ONCE = 4000
const [, , way, dir, count, part] = process.argv
const jobs = Number(count)

const WAYS = {
  async jobslot() {
    const { JobStore } = await import('../../dist/store.js')
    return async () => {
      const store = await JobStore.open({ dir, durability: 'os' })
      return {
        createMany: (requests) => store.createMany(requests),
        pull: () => store.pullJob(),
        release: (job) => job.release(),
        close: () => store.close(),
      }
    }
  },
  async sqlite() {
    const { openSqliteQueue } = await import('./sqlite-queue.mjs')
    return () => {
      const { createMany, pull, release, close } = openSqliteQueue(dir, 'NORMAL')
      return { createMany, pull, release: ({ id }) => release(id), close }
    }
  },
}

const PARTS = {
  async fill(open) {
    const store = await open()
    for (let done = 0; done < jobs; done += AT_ONCE) {
      const length = Math.min(AT_ONCE, jobs - done)
      await store.createMany(Array.from({ length }, (_, i) => ({ task: 'compile', file: `src/module-${done + i}.c` })))
    }
    await store.close()
  },

  async open(open) {
    const before = memory()
    const begin = process.hrtime.bigint()
    const store = await open()
    const opened = Number(process.hrtime.bigint() - begin)
    console.log(JSON.stringify({ opened, bytes: (memory() - before) / jobs }))
    await store.close()
  },

  async pull(open) {
    const store = await open()
    await answer(async (times) => {
      let taken = 0n
      for (let i = 0; i < times; i++) {
        const begin = process.hrtime.bigint()
        const job = await store.pull()
        taken += process.hrtime.bigint() - begin
        await store.release(job)
      }
      return Number(taken) / times
    })
    await store.close()
  },
}

function memory() {
  globalThis.gc()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

await PARTS[part](await WAYS[way]())
