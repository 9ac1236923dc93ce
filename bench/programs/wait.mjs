// wait.mjs WAY FIFO: waits on an empty FIFO for a token that does not come. For each number of ms that is read from
// standard input, the processor time in ns that such a wait took, and how often the process was woken for it.
import { setTimeout as sleep } from 'node:timers/promises'
import { answer } from './answer.mjs'
import { clientOf } from './client-of.mjs'

const POLL_MS = 10

const [way, path] = process.argv.slice(2)

const timedOut = (error) => {
  if (error.code !== 'ERR_JOBSLOT_TIMEOUT') throw error
}

const WAYS = {
  client() {
    const client = clientOf(path)
    return (ms) => client.acquire({ timeout: ms }).catch(timedOut)
  },
  'client-sync'() {
    const client = clientOf(path)
    return (ms) => {
      try {
        client.acquireSync({ timeout: ms })
      } catch (error) {
        timedOut(error)
      }
    }
  },
  polling() {
    const client = clientOf(path)
    return async (ms) => {
      const end = performance.now() + ms
      while (performance.now() < end && !client.tryAcquire()) await sleep(POLL_MS)
    }
  },
  nothing: () => (ms) => sleep(ms),
}

const wait = WAYS[way]()
await answer(async (ms) => {
  const cpu = process.cpuUsage()
  const { voluntaryContextSwitches: before } = process.resourceUsage()
  await wait(ms)
  const { user, system } = process.cpuUsage(cpu)
  return { cpu: (user + system) * 1000, wakes: process.resourceUsage().voluntaryContextSwitches - before }
})
process.exit()
