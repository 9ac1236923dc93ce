// backlog.mjs DIR JOBS: fills a store with so many pending jobs, of which it then claims the next again and again. For
// each line of standard input, a number of times, the time in ns that one claim took; it is given back beside that.
// Its first line: what it took to open the filled store, in ns, and the bytes of memory for each job.
// backlog.mjs DIR JOBS fill: only fills it.
import { execFileSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { JobStore } from '../../dist/store.js'

const PART = 4000
const [, file, dir, jobs, part] = process.argv

async function fill(count) {
  const store = await JobStore.open({ dir, durability: 'os' })
  for (let done = 0; done < count; done += PART) {
    const part = Math.min(PART, count - done)
    await store.createMany(
      Array.from({ length: part }, (_, i) => ({ task: 'compile', file: `src/module-${done + i}.c` })),
    )
  }
  await store.close()
}

function memory() {
  globalThis.gc()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

async function pull() {
  const before = memory()
  const begin = process.hrtime.bigint()
  const store = await JobStore.open({ dir, durability: 'os' })
  const opened = Number(process.hrtime.bigint() - begin)
  console.log(JSON.stringify({ opened, bytes: (memory() - before) / Number(jobs) }))

  for await (const times of createInterface({ input: process.stdin })) {
    let taken = 0n
    for (let i = 0; i < Number(times); i++) {
      const begin = process.hrtime.bigint()
      const job = await store.pullJob()
      taken += process.hrtime.bigint() - begin
      await job.release()
    }
    console.log(String(Number(taken) / Number(times)))
  }
  await store.close()
}

if (part === 'fill') await fill(Number(jobs))
else {
  // Who opens it has not compiled anything by then, as others that open one.
  execFileSync(process.execPath, [file, dir, jobs, 'fill'])
  await pull()
}
