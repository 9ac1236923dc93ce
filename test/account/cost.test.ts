import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Program, startProgram } from '../fd/program.ts'
import { contextSwitches, cpuOf } from '../support/processes.ts'
import { testFifo } from './fifos.ts'

/** A process whose account watches these FIFOs, and which says how many events it had when it is asked to. */
function watching(fifos: readonly string[], tokens: number): Program {
  return startProgram(`
    const { Account } = await import(built + 'account/account.js')
    let events = 0
    const account = new Account(null, 200, () => { events += account.changed().length })
    for (const [i, fifo] of ${JSON.stringify(fifos)}.entries()) {
      account.add(i, fs.openSync(fifo, fs.constants.O_RDWR | fs.constants.O_NONBLOCK))
      account.grant(i, ${tokens})
      account.watch(i, 1)
    }
    process.on('SIGUSR2', () => say({ events, stirs: account.read(0).stirs }))
    setInterval(() => {}, 1e9)
    say('watches')`)
}

/** Takes and gives back as fast as it can, for so long. */
const tightly = (fifo: string, ms: number) => `
  const end = fs.openSync('${fifo}', fs.constants.O_RDWR | fs.constants.O_NONBLOCK)
  const byte = Buffer.alloc(1)
  let pairs = 0
  for (const until = performance.now() + ${ms}; performance.now() < until; ) {
    for (let i = 0; i < 100; i++, pairs++) {
      fs.readSync(end, byte)
      fs.writeSync(end, byte)
    }
  }
  say(pairs)`

test('a client that takes and gives back without end costs at most 5 % of a core, and tells JavaScript nothing', async () => {
  const fifo = testFifo()
  const { pid, child, says } = watching([fifo.path], 4)
  await says()
  const shares: number[] = []
  // Whoever else uses this machine makes it more, never less.
  for (let attempt = 0; attempt < 3 && !shares.some((share) => share < 5); attempt++) {
    const client = startProgram(tightly(fifo.path, 4000))
    await sleep(1000)
    const before = cpuOf(pid)
    await sleep(2000)
    shares.push((cpuOf(pid) - before) / 20)
    expect(await client.says()).toBeGreaterThan(100_000)
  }
  expect(Math.min(...shares)).toBeLessThan(5)
  child.kill('SIGUSR2')
  const said = (await says(2)) as { events: number; stirs: number }
  expect(said.events).toBe(0)
  // It was seen all the time.
  expect(said.stirs).toBeGreaterThan(300)
})

test('a client that empties its FIFO without end is told of some hundred times a second, not each time', async () => {
  const fifo = testFifo()
  const { child, says } = watching([fifo.path], 1)
  await says()
  await startProgram(tightly(fifo.path, 3000)).says()
  child.kill('SIGUSR2')
  const { events } = (await says(2)) as { events: number }
  expect(events).toBeGreaterThan(20)
  expect(events).toBeLessThan(600)
})

test('200 FIFOs in which nothing happens cost nothing', async () => {
  const fifos = Array.from({ length: 200 }, () => testFifo().path)
  const { pid, says } = watching(fifos, 1)
  await says()
  // What Node itself does after its start.
  await sleep(2000)
  const before = { cpu: cpuOf(pid), switches: contextSwitches(pid) }
  await sleep(4000)
  expect(cpuOf(pid) - before.cpu).toBeLessThan(20)
  expect(contextSwitches(pid) - before.switches).toBeLessThanOrEqual(5)
})
