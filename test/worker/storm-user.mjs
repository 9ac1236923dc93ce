// storm-user.mjs MODULE SEED
// One process of a storm: starts workers of its own and joins shared ones, calls them in every way, and says what it does,
// one line of JSON each: a worker's number, a count of answers, or what was not as promised. Runs until SIGTERM.
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectWorker, startWorker } from 'jobslot/worker'

const [module, seed, random] = process.argv.slice(2)
const { below, chance, pick } = (await import(random)).random(Number(seed))
const say = (value) => writeSync(1, `${JSON.stringify(value)}\n`)

let isEnding = false
process.on('SIGTERM', () => {
  isEnding = true
})

/** That it ended is what a call may tell, as workers are killed; that it hangs is not. */
async function attempt(call) {
  try {
    const value = await call()
    say({ answers: 1 })
    return value
  } catch (error) {
    if (error.code !== 'ERR_JOBSLOT_WORKER_EXITED') say({ problem: `${error.code ?? error.name}: ${error.message}` })
    return null
  }
}

const calls = [
  async (worker) => {
    const sent = below(1e6)
    const got = await worker.call('echo', sent, { timeout: 20_000 })
    if (got !== sent) say({ problem: `${sent} came back as ${got}` })
  },
  (worker) => Promise.all([1, 2, 3].map((value) => worker.call('echo', value, { timeout: 20_000 }))),
  (worker) => worker.call('about', null, { timeout: 20_000 }),
]

async function use(worker) {
  for (let i = below(30); i >= 0; i--) await attempt(() => pick(calls)(worker))
}

const ways = [
  async () => {
    const worker = await attempt(() => startWorker(module, { log: false }))
    if (!worker) return
    say({ worker: worker.pid })
    await use(worker)
    if (chance(0.3)) await attempt(() => worker.call('spinSoon', null, { timeout: 20_000 }))
    // Whoever is stuck by now is ended all the same.
    await attempt(() => worker[Symbol.asyncDispose]())
  },
  async () => {
    const options = { module, idle: pick([1, 100, 500]), log: false, timeout: 20_000 }
    const worker = await attempt(() => connectWorker(pick(['one', 'other']), options))
    if (!worker) return
    await use(worker)
    await attempt(() => worker[Symbol.asyncDispose]())
  },
]

say({ ready: process.pid })
while (!isEnding) {
  await Promise.all([pick(ways)(), pick(ways)()])
  await sleep(below(10))
}
