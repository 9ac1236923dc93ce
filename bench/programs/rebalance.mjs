// rebalance.mjs MEMBERS TAKER: a pool with so many members, each a command with a slot. For each line of standard input:
// all want a second slot, for which there are none, and the pool gets as many more. The time in ns from then on until
// half of the members have theirs, and until the last one has.
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { openPool } from '../../dist/index.js'
import { answer } from './answer.mjs'

const REST_MS = 100

const [, , count, taker] = process.argv
const members = Number(count)
const pool = await openPool(`rebalance-${members}`)
await pool.resize(members)

const all = []
for (let i = 0; i < members; i++) {
  const words = ['-c', `exec "$0" fifo "\${MAKEFLAGS##*fifo:}"`, taker]
  const { child, exited } = await pool.spawn('sh', words, { style: 'fifo', stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  all.push({
    exited,
    async ask(request) {
      const line = once(lines, 'line')
      child.stdin.write(`${request}\n`)
      return Number((await line)[0])
    },
    end: () => child.stdin.end(),
  })
}

const asked = (request) => Promise.all(all.map(({ ask }) => ask(request)))

/** What was given back is not there for anybody until the broker has it. */
async function settled() {
  for (;;) {
    const { members } = await pool.status()
    if (members.every(({ granted }) => granted === 0)) return
    await sleep(5)
  }
}

await answer(async () => {
  const taken = asked('take')
  await sleep(REST_MS)
  const begin = Number(process.hrtime.bigint())
  await pool.resize(2 * members)
  const times = (await taken).map((at) => at - begin).sort((a, b) => a - b)
  await pool.resize(members)
  await asked('give')
  await settled()
  return { half: times[Math.ceil(times.length / 2) - 1], last: times.at(-1) }
})
for (const { end } of all) end()
await Promise.all(all.map(({ exited }) => exited))
await pool.close()
