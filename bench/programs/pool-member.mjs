// pool-member.mjs POOL SEED: joins the pool at the line `join`. For each number N that is read from standard input, takes
// slots and gives them back for N ms, and prints when: [["grant", ns], ["release", ns], …] by the clock of all processes.

import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { openPool } from '../../dist/index.js'

const [pool, seed] = process.argv.slice(2)
const now = () => Number(process.hrtime.bigint())
let random = Number(seed) + 1
const next = () => {
  random = (random * 48271) % 2147483647
  return random / 2147483647
}

let joined
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'join') {
    joined = await openPool(pool)
    console.log('joined')
    continue
  }
  const until = performance.now() + Number(line)
  const log = []
  while (performance.now() < until) {
    const slot = await joined.acquire()
    log.push(['grant', now()])
    await sleep(4 + next() * 8)
    log.push(['release', now()])
    slot.release()
    // It comes again at once, behind those who wait.
    await sleep(0)
  }
  console.log(JSON.stringify(log))
}
await joined?.close()
