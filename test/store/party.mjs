// One process of a storm: pulls and fulfils jobs, or creates them, until it is ended; writes what it was answered.
// Usage: node party.mjs LIBRARY DIR ROLE DURABILITY [LEASE [LOG]]
// Workers write to LOG, where there is one, when they begin and end which job: each line is one write at its end.
import { openSync, writeSync } from 'node:fs'

const [, , library, dir, role, durability, lease = '30000', log = ''] = process.argv
const { JobStore } = await import(library)
const store = await JobStore.open({ dir, durability, lease: Number(lease) })
const say = (...words) => process.stdout.write(`${words.join(' ')}\n`)

// Standard input ends: so does this.
let ending = false
process.stdin.on('end', () => {
  ending = true
})
process.stdin.resume()
say('ready', process.pid)
const file = log ? openSync(log, 'a') : null
const record = (what, job) => file !== null && writeSync(file, `${what} ${process.pid} ${job.id}\n`)
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

// While another process is stopped in the midst of an append, the answer is an error; the claim is still there.
async function fulfill(job) {
  for (;;) {
    try {
      return await job.fulfill(`${job.request.i} by ${process.pid}`)
    } catch (error) {
      if (error.code !== 'ERR_JOBSLOT_STORE_BUSY') throw error
      say('error', error.code)
    }
  }
}

const roles = {
  async create() {
    for (let i = 0; !ending; i++) {
      const { id } = await store.create({ from: process.pid, i })
      say('created', id, i)
      if (i % 4 === 0) await pause(8)
      // No more than a storm's survivors get done.
      while (!ending && i % 64 === 0 && (await store.list({ state: 'pending', limit: 500 })).cursor !== null)
        await pause(5)
    }
  },
  async work() {
    const stop = new AbortController()
    process.stdin.on('end', () => stop.abort())
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        while (!ending) {
          try {
            const job = await store.pullJob({ wait: true, signal: stop.signal })
            record('begin', job)
            if (log) await pause(job.id % 4)
            record('end', job)
            await fulfill(job)
            say('fulfilled', job.id, job.claim)
          } catch (error) {
            if (!ending) say('error', error.code ?? error.message)
          }
        }
      }),
    )
  },
  // Holds one job until it is told to go on.
  async hold() {
    const job = await store.pullJob({ wait: true })
    say('holds', job.id)
    job.signal.addEventListener('abort', () => say('lost', job.signal.reason.code))
    await new Promise((resolve) => process.stdin.on('data', resolve))
    await job.fulfill('late').then(
      () => say('fulfilled', job.id),
      (error) => say('refused', error.code),
    )
  },
}
await roles[role]()
await store.close()
say('closed')
