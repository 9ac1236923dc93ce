import { closeSync, constants, openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { mkfifo } from '../../src/fd.ts'
import { distinctTokens, pipeJobserver, sortedHex } from '../support/jobserver.ts'
import { flagsOf, tempDir } from '../support/processes.ts'
import { startUnder } from './program.ts'
import { forced, reaches } from './reach.ts'

const ways = reaches.filter((reach) => reach !== 'path')
const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK } = constants

test.for(
  ways.flatMap(
    (way) =>
      [
        [way, 'blocking', 0],
        [way, 'non-blocking, as make 4.3 leaves its pipe', O_NONBLOCK],
      ] as const,
  ),
)('no flag of the shared description changes, whatever the client does: %s, %s', async ([way, , nonblocking]) => {
  const path = `${tempDir()}/jobserver`
  mkfifo(path)
  const open = (flags: number) => {
    const fd = openSync(path, flags)
    onTestFinished(() => closeSync(fd))
    return fd
  }
  // One end alone cannot be opened.
  open(O_RDWR)
  const readFd = open(O_RDONLY | nonblocking)
  const writeFd = open(O_WRONLY | nonblocking)
  const flags = () => [flagsOf(process.pid, readFd), flagsOf(process.pid, writeFd)]
  const before = flags()
  expect(before.map((each) => each & O_NONBLOCK)).toEqual([nonblocking, nonblocking])
  const unchanged = () => expect(flags()).toEqual(before)

  const client = forced({ readFd, writeFd }, way)
  unchanged()
  writeSync(writeFd, Buffer.of(1))
  const slots = [client.tryAcquire(), client.acquireSync()]
  unchanged()
  expect(() => client.acquireSync({ timeout: 5 })).toThrow(/5 ms/)
  unchanged()
  const waiting = client.acquire()
  const leaving = client.acquire({ timeout: 5 }).catch(() => {})
  await sleep(20)
  unchanged()
  await leaving
  slots[1]?.release()
  await waiting
  unchanged()
  client.close()
  unchanged()
})

test('seen from the server of an anonymous pipe, while its client waits and after it', async () => {
  const tokens = distinctTokens(2)
  const jobserver = pipeJobserver(tokens)
  const { pid, server, result } = await startUnder(
    jobserver,
    `
    const client = connect()
    const slots = [client.acquireSync(), client.tryAcquire(), await client.acquire()]
    const waiting = client.acquire()
    process.on('SIGUSR2', async () => {
      slots[1].release()
      await waiting
      client.close()
      process.exit()
    })
    process.stderr.write('ready ' + process.pid + '\\n')
    `,
  )
  const flags = () => [flagsOf(server, 3), flagsOf(server, 4)]
  await sleep(50)
  expect(flags()).toEqual([O_RDONLY, O_WRONLY])
  process.kill(pid, 'SIGUSR2')
  await result
  expect(jobserver.report()).toMatchObject({
    tokens: sortedHex(tokens),
    flagsBefore: [O_RDONLY, O_WRONLY],
    flagsAfter: [O_RDONLY, O_WRONLY],
  })
})
