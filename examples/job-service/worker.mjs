// Usage: node worker.mjs FOLDER
//
// One of any number of workers. Killed at any moment, it leaves its job to the others.
import { setTimeout as sleep } from 'node:timers/promises'
import { JobStore } from 'jobslot/store'

const [, , dir] = process.argv
const store = await JobStore.open({ dir, label: 'worker' })
const end = new AbortController()
process.once('SIGTERM', () => end.abort())

async function count({ text }, signal) {
  // Stands for work that takes its time.
  await sleep(200, undefined, { signal })
  return text.split(/\s+/).filter(Boolean).length
}

while (!end.signal.aborted) {
  const job = await store.pullJob({ wait: true, signal: end.signal }).catch((error) => {
    if (!end.signal.aborted) throw error
  })
  if (!job) break
  try {
    await job.fulfill(String(await count(job.request, job.signal)))
  } catch (error) {
    // Who has lost the job has nothing to say of it any more.
    if (!job.signal.aborted) await job.fail(error)
  }
}
await store.close()
