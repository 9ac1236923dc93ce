import { describe, expect, test } from 'vitest'
import { available, readSync, write } from '../../src/fd.ts'
import type { ReadWay } from '../../src/native/ends.ts'
import { distinctTokens, sortedHex } from '../support/jobserver.ts'
import { waitFor } from '../support/processes.ts'
import { fifoEnds, pipeEnds } from './media.ts'
import { runProgram, startProgram } from './program.ts'

/** `worker(code)` starts a worker thread, with `fd`, `native`, `fs`, `sleep` and `post` in reach there. */
const withWorkers = `
  const { Worker } = await import('node:worker_threads')
  const inWorker = \`
    import fs from 'node:fs'
    import { parentPort } from 'node:worker_threads'
    import { setTimeout as sleep } from 'node:timers/promises'
    import * as fd from '\${built}fd.js'
    import { native } from '\${built}native/load.js'
    import { startWait } from '\${built}native/waits.js'
    const post = (value) => parentPort.postMessage(value)
  \`
  const worker = (code) => new Worker(new URL('data:text/javascript,' + encodeURIComponent(inWorker + code)))
  const message = (worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  const ended = (worker) => new Promise((resolve) => worker.once('exit', resolve))
  // A reader's thread outlives its last wait by a moment.
  const settled = async (wanted) => {
    for (let i = 0; i < 400 && openFds() !== wanted; i++) await sleep(5)
    return openFds() - wanted
  }
`

const waitsInWorker = (ways: readonly ReadWay[]): string => `
  for (const way of ${JSON.stringify(ways)}) {
    fd.read(3, 1, { way })
    fd.read(3, 1, { way, timeout: Math.random() * 4 }).catch(() => {})
  }
  fd.poll(3, 'read', { timeout: 1000 })
  post('waits')
`

test('a worker thread waits and reads as the main thread does', async () => {
  const { readFd, writeFd } = await pipeEnds()
  write(writeFd, Buffer.from('abcd'))
  const said = await runProgram(
    `${withWorkers}
    const thread = worker(\`
      const bytes = []
      for (const way of [undefined, 'own', 'splice', 'parked']) bytes.push(await fd.read(3, 1, { way, timeout: 2000 }))
      post(Buffer.concat(bytes).toString())
    \`)
    const [text, code] = await Promise.all([message(thread), ended(thread)])
    say({ text, code })`,
    { fds: [readFd] },
  )
  expect(said).toEqual({ text: 'abcd', code: 0 })
})

// Where only workers load the library, it is unloaded with the last of them, and loaded anew: unless one has parked.
test.each<[string, boolean, ReadWay[]]>([
  ['the main thread waits too', true, ['own', 'splice', 'parked']],
  ['the main thread has not loaded the addon', false, ['own', 'splice']],
])('50 workers end in the middle of waits, %s', async (_, mainWaits, ways) => {
  const { readFd, writeFd } = await pipeEnds()
  const mainEnds = fifoEnds()
  const program = startProgram(
    `${withWorkers}
    const waits = ${mainWaits} ? ['own', 'splice', 'parked'].map((way) => fd.read(5, 1, { way })) : []
    const stopOne = async (delay) => {
      const thread = worker(${JSON.stringify(waitsInWorker(ways))})
      const end = ended(thread)
      await message(thread)
      await sleep(delay)
      await thread.terminate()
      await end
    }
    const stopMany = async (count) => {
      for (let i = 0; i < count; i += 2) await Promise.all([stopOne(0), stopOne(Math.random() * 4)])
    }
    await stopMany(2)
    await sleep(200)
    const before = openFds()
    await stopMany(50)
    say({ left: await settled(before) })
    say((await Promise.all(waits)).map(String).sort())`,
    { fds: [readFd, writeFd, mainEnds.readFd] },
  )
  expect(await program.says()).toEqual({ left: 0 })
  write(mainEnds.writeFd, Buffer.from('xyz'))
  expect(await program.ended).toEqual([{ left: 0 }, mainWaits ? ['x', 'y', 'z'] : []])
})

describe('what a worker took from a jobserver is given back', () => {
  const ways: [string, number][] = [
    ['own', 0],
    ['splice', 2],
    ['parked', 3],
  ]
  const ends: [string, string, string][] = [
    ['when it is terminated', 'await sleep(60_000)', 'await thread.terminate()'],
    ['when it is terminated in the middle of a delivery', 'startAll(); for (;;);', 'await thread.terminate()'],
    ['when nothing is left to do', '', ''],
    ['when it calls process.exit()', 'startAll(); process.exit(0)', ''],
    ['when it throws', 'throw new Error("on purpose")', ''],
  ]
  test.each(ways.flatMap(([name, way]) => ends.map(([how, code, main]) => ({ name, way, how, code, main }))))(
    '$how, $name',
    async ({ way, code, main }) => {
      const { readFd, writeFd } = await pipeEnds()
      const tokens = distinctTokens(30)
      write(writeFd, tokens)
      const inWorker = `
        const ends = ${way} === 0 ? [fd.reopen(3), fd.reopen(4)] : [fd.dup(3), fd.dup(4)]
        const channel = native().openChannel(...ends, ${way}, ${way} === 0)
        const startOne = () => new Promise((resolve) => startWait((binding, id) => binding.waitToken(id, channel, -1), resolve))
        const startAll = () => { for (let i = 0; i < 10; i++) startOne() }
        const taken = [native().take(channel), native().take(channel), (await startOne()).value]
        post(taken)
        ${code}
      `
      const program = startProgram(
        `${withWorkers}
        const before = openFds()
        const thread = worker(${JSON.stringify(inWorker)})
        thread.on('error', () => {})
        const end = ended(thread)
        const taken = await message(thread)
        await sleep(20)
        ${main}
        await end
        say(taken)
        await sleep(60_000)`,
        { fds: [readFd, writeFd] },
      )
      expect(await program.says()).toEqual([...tokens.subarray(0, 3)])
      // The process goes on: it is the thread's end that gives back.
      await waitFor(() => available(readFd) === tokens.length)
      expect(sortedHex(readSync(readFd, 4096))).toBe(sortedHex(tokens))
    },
  )
})
