// call.mjs MEANS: asks another process and waits for its answer. For each number N that is read from standard input, the
// time in ns of N such round trips, divided by N; for `start`, of one start of a shared worker to its first answer.
import { fork } from 'node:child_process'
import { connectWorker, startWorker } from '../../dist/worker.js'
import { answer } from './answer.mjs'

const [means] = process.argv.slice(2)
const module = new URL('./echo.mjs', import.meta.url)
const PAYLOAD = { path: 'src/main.ts', lines: [1, 2, 3], options: { strict: true } }

const MEANS = {
  async worker() {
    const worker = await startWorker(module)
    return () => worker.call('echo', PAYLOAD)
  },

  fork() {
    const child = fork(module, { serialization: 'json' })
    return forked(child)
  },

  'fork-advanced'() {
    const child = fork(module, { serialization: 'advanced' })
    return forked(child)
  },

  start() {
    return async () => {
      const worker = await connectWorker('bench', { module, idle: 0 })
      await worker.call('echo', PAYLOAD)
      return worker
    }
  },
}

function forked(child) {
  let received
  child.on('message', (message) => received(message))
  return () =>
    new Promise((resolve) => {
      received = resolve
      child.send(PAYLOAD)
    })
}

const ask = await MEANS[means]()
await answer(async (times) => {
  const begin = process.hrtime.bigint()
  let last
  for (let i = 0; i < times; i++) last = await ask()
  const ns = Number(process.hrtime.bigint() - begin) / times
  if (means === 'start') {
    last.kill()
    await last.exited
  }
  return ns
})
process.exit()
