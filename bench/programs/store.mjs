// Creates, pulls and fulfils as many jobs as each line of standard input says, with so many callers at once, and answers
// with the time that took, in ns. Usage: node store.mjs WAY DIR; a line: JOBS CALLERS
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const [, , way, dir] = process.argv
const request = (i) => ({ task: 'compile', file: `src/module-${i}.c` })

const WAYS = {
  'jobslot-disk': () => jobslot('disk'),
  'jobslot-os': () => jobslot('os'),
  'sqlite-full': () => sqlite('FULL'),
  'sqlite-normal': () => sqlite('NORMAL'),
  plainjob,
}

async function jobslot(durability) {
  const { JobStore } = await import('../../dist/store.js')
  const store = await JobStore.open({ dir, durability })
  return {
    async run(jobs, callers) {
      let left = jobs
      await Promise.all(
        Array.from({ length: callers }, async () => {
          while (left-- > 0) {
            await store.create(request(left))
            const job = await store.pullJob()
            // Another process's caller may have been faster.
            await job?.fulfill('done')
          }
        }),
      )
    },
    end: () => store.close(),
  }
}

/** SQLite does one thing after the other, however many callers there are. */
async function sqlite(synchronous) {
  const { openSqliteQueue } = await import('./sqlite-queue.mjs')
  const queue = openSqliteQueue(dir, synchronous)
  return {
    async run(jobs) {
      for (let i = 0; i < jobs; i++) {
        queue.create(request(i))
        const job = queue.pull()
        if (job) queue.fulfill(job.id, 'done')
      }
    },
    end: () => queue.close(),
  }
}

/** It syncs as SQLite does with synchronous=NORMAL, and keeps no value. */
async function plainjob() {
  const { default: Database } = await import('better-sqlite3')
  const { better, defineQueue } = await import('plainjob')
  mkdirSync(dir, { recursive: true })
  const queue = defineQueue({ connection: better(new Database(join(dir, 'jobs.db'))) })
  return {
    async run(jobs) {
      for (let i = 0; i < jobs; i++) {
        queue.add('compile', request(i))
        const job = queue.getAndMarkJobAsProcessing('compile')
        if (!job) continue
        JSON.parse(queue.getJobById(job.id).data)
        queue.markJobAsDone(job.id)
      }
    },
    end: () => queue.close(),
  }
}

const { run, end } = await WAYS[way]()
for await (const line of createInterface({ input: process.stdin })) {
  const [jobs, callers] = line.split(' ').map(Number)
  const begin = process.hrtime.bigint()
  await run(jobs, callers)
  console.log(String(process.hrtime.bigint() - begin))
}
await end()
