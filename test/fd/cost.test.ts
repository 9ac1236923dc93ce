import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { poll, read } from '../../src/fd.ts'
import { contextSwitches, cpuOf } from '../support/processes.ts'
import { fifoEnds, waysOf } from './media.ts'
import { startProgram } from './program.ts'

/** 16 waits of all kinds for what never comes, on descriptor 3. */
const waits = `
  for (let i = 0; i < 4; i++) {
    for (const way of ['own', 'splice', 'parked']) fd.read(3, 1, { way })
    fd.poll(3, 'read')
  }
`

test('16 waits block no work of the file system module', async () => {
  const { readFd } = fifoEnds()
  const controllers: AbortController[] = []
  const pending: Promise<unknown>[] = []
  for (let i = 0; i < 16; i++) {
    const controller = new AbortController()
    controllers.push(controller)
    const way = waysOf.FIFO[i % 4]
    pending.push(way ? read(readFd, 1, { way, signal: controller.signal }) : poll(readFd, 'read', controller))
  }
  const begin = performance.now()
  await Promise.all(Array.from({ length: 100 }, () => readFile(import.meta.filename)))
  expect(performance.now() - begin).toBeLessThan(2000)
  for (const controller of controllers) controller.abort()
  const ends = await Promise.allSettled(pending)
  expect(ends.map(({ status }) => status)).toEqual(Array(16).fill('rejected'))
})

test('a process that waits 10 s uses no processor time and wakes for nothing', async () => {
  const { readFd } = fifoEnds()
  const { pid, says } = startProgram(`${waits}; fd.read(3, 1, { timeout: 3_600_000 }); say('waits')`, { fds: [readFd] })
  await says()
  // What Node itself does after its start.
  await sleep(2000)
  const before = { cpu: cpuOf(pid), switches: contextSwitches(pid) }
  await sleep(10_000)
  expect(cpuOf(pid) - before.cpu).toBeLessThan(20)
  expect(contextSwitches(pid) - before.switches).toBeLessThanOrEqual(5)
})

describe('with waits pending', () => {
  test('process.exit() ends the process at once', async () => {
    const { readFd } = fifoEnds()
    const exits = `${waits}
      await sleep(100)
      say(performance.timeOrigin + performance.now())
      process.exit(0)
    `
    const program = startProgram(exits, { fds: [readFd] })
    const called = Number(await program.says())
    const { code, at } = await program.exited
    expect(code).toBe(0)
    expect(performance.timeOrigin + at - called).toBeLessThan(300)
  })

  test('an uncaught error ends the process at once', async () => {
    const { readFd } = fifoEnds()
    const program = startProgram(`${waits}; await sleep(100); say(1); throw new Error('on purpose')`, { fds: [readFd] })
    await program.says()
    const begin = performance.now()
    const { code, stderr, at } = await program.exited
    expect([code, stderr]).toEqual([1, expect.stringContaining('on purpose')])
    expect(at - begin).toBeLessThan(1000)
  })

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s ends the process', async (signal) => {
    const { readFd } = fifoEnds()
    const program = startProgram(`${waits}; await sleep(50); say(1)`, { fds: [readFd] })
    await program.says()
    program.child.kill(signal)
    expect(await program.exited).toMatchObject({ code: null, signal })
  })

  test('a signal reaches the program: the threads that wait block all of them', async () => {
    const { readFd } = fifoEnds()
    const program = startProgram(
      `const threads = () => fs.readdirSync('/proc/self/task')
      const before = threads()
      process.on('SIGUSR2', () => say('caught'))
      ${waits}
      await sleep(50)
      say(threads().filter((thread) => !before.includes(thread)))`,
      { fds: [readFd] },
    )
    const own = (await program.says()) as string[]
    // One for all descriptors, and one that parks.
    expect(own).toHaveLength(2)
    for (const thread of own) {
      const status = readFileSync(`/proc/${program.pid}/task/${thread}/status`, 'utf8')
      const blocked = BigInt(`0x${/^SigBlk:\s*(\w+)$/m.exec(status)?.[1]}`)
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGCHLD', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const) {
        expect(blocked & (1n << BigInt(constants.signals[signal] - 1)), signal).not.toBe(0n)
      }
    }
    program.child.kill('SIGUSR2')
    expect(await program.says(2)).toBe('caught')
  })
})

describe('a process lives as long as something is waited for', () => {
  test('and ends by itself when the last wait has ended', async () => {
    const { readFd } = fifoEnds()
    const program = startProgram(
      `for (const way of ['own', 'splice', 'parked']) {
        await fd.read(3, 1, { way, timeout: 30 }).catch((error) => say(error.code))
      }
      say(await fd.poll(3, 'read', { timeout: 30 }))
      const controller = new AbortController()
      const { signal } = controller
      const waits = [fd.read(3, 1, { signal }), fd.read(3, 1, { signal, way: 'parked' }), fd.poll(3, 'read', { signal })]
      setTimeout(() => controller.abort(), 30)
      say((await Promise.allSettled(waits)).map(({ status }) => status))`,
      { fds: [readFd] },
    )
    const timeout = 'ERR_JOBSLOT_TIMEOUT'
    expect(await program.ended).toEqual([timeout, timeout, timeout, null, ['rejected', 'rejected', 'rejected']])
  })

  test('and a wait alone keeps it', async () => {
    const { readFd } = fifoEnds()
    const program = startProgram(
      `fd.read(3, 1, { timeout: 400 }).catch((error) => say(error.code)); say('top level is over')`,
      { fds: [readFd] },
    )
    expect(await program.ended).toEqual(['top level is over', 'ERR_JOBSLOT_TIMEOUT'])
  })
})
