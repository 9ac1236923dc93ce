// killed.mjs DIR: for each line of standard input, the time in ns from the kill of a process that has claimed a job to
// the moment in which another has it, that waits for one.
// killed.mjs DIR hold: claims a job, says so, and does nothing.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { JobStore } from '../../dist/store.js'
import { answer } from './answer.mjs'

const [, file, dir, role] = process.argv
const store = await JobStore.open({ dir, durability: 'os' })

async function hold() {
  await store.pullJob({ wait: true })
  process.stdout.write('held\n')
  // It ends with the one that has started it, at the latest.
  process.stdin.on('end', () => process.exit()).resume()
}

async function handOut() {
  await store.create('x')
  const worker = spawn(process.execPath, [file, dir, 'hold'], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(worker.stdout, 'data')
  const next = store.pullJob({ wait: true })
  await sleep(50)
  const begin = process.hrtime.bigint()
  worker.kill('SIGKILL')
  const job = await next
  const taken = Number(process.hrtime.bigint() - begin)
  await job.fulfill()
  return taken
}

if (role === 'hold') await hold()
else {
  await answer(handOut)
  await store.close()
}
