import { constants } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { available, dup, read, readSync, reopen, write } from '../../src/fd.ts'
import { END_OF_FILE, NO_TIMEOUT, type Way } from '../../src/native/binding.ts'
import { native } from '../../src/native/load.ts'
import { cancelWait, startWait, type WaitEnd } from '../../src/native/waits.ts'
import { distinctTokens, sortedHex } from '../support/jobserver.ts'
import { waitFor } from '../support/processes.ts'
import { closeOnce, type Ends, fifoEnds, pipeEnds } from './media.ts'
import { startProgram } from './program.ts'

const { EAGAIN, EBADF, ECANCELED, EINVAL, ETIMEDOUT } = constants.errno

const ways: [string, Way][] = [
  ['own', 0],
  ['splice', 2],
  ['parked', 3],
]

function openChannel({ readFd, writeFd }: Ends, way: Way): number {
  const own = way === 0
  const ends = own ? [reopen(readFd), reopen(writeFd)] : [dup(readFd), dup(writeFd)]
  return native().openChannel(ends[0]!, ends[1]!, way, own)
}

const all = (fd: number): string => sortedHex(readSync(fd, 4096))

function waitToken(channel: number, timeout = NO_TIMEOUT): { id: number; end: Promise<WaitEnd> } {
  let id = 0
  const end = new Promise<WaitEnd>((resolve) => {
    id = startWait((binding, id) => binding.waitToken(id, channel, timeout), resolve)
  })
  return { id, end }
}

describe.each(ways)('a channel, %s', (_, way) => {
  test('takes and gives back tokens, each as the byte that it was', async () => {
    const ends = await pipeEnds()
    const tokens = distinctTokens(8)
    write(ends.writeFd, tokens)
    const channel = openChannel(ends, way)
    const taken = [native().take(channel), native().take(channel), native().takeWithin(channel, 100)]
    expect(taken).toEqual([...tokens.subarray(0, 3)])
    const { end } = waitToken(channel)
    expect(await end).toMatchObject({ status: 'ready', value: tokens[3] })
    expect(available(ends.readFd)).toBe(4)
    for (const byte of [...taken, tokens[3]!]) expect(native().give(channel, byte)).toBe(0)
    expect(all(ends.readFd)).toBe(sortedHex(tokens))
    native().closeChannel(channel)
  })

  test('says that there is none: at once, after a timeout, to a wait', async () => {
    const ends = fifoEnds()
    const channel = openChannel(ends, way)
    expect(native().take(channel)).toBe(-EAGAIN)
    expect(native().takeWithin(channel, 20)).toBe(-ETIMEDOUT)
    expect(await waitToken(channel, 20).end).toEqual({ status: 'timeout' })
    native().closeChannel(channel)
  })

  test('says that the server has gone', async () => {
    const { readFd, writeFd } = await pipeEnds()
    const other = fifoEnds()
    const own = way === 0
    const channel = native().openChannel(own ? reopen(readFd) : dup(readFd), dup(other.writeFd), way, own)
    const waiting = waitToken(channel)
    closeOnce(writeFd)
    expect(await waiting.end).toMatchObject({ status: 'ready', value: END_OF_FILE })
    expect(native().take(channel)).toBe(END_OF_FILE)
    expect(native().takeWithin(channel, 1000)).toBe(END_OF_FILE)
    native().closeChannel(channel)
  })

  test('gives back only what is out', async () => {
    const ends = fifoEnds()
    const channel = openChannel(ends, way)
    write(ends.writeFd, Buffer.of(7))
    expect(native().take(channel)).toBe(7)
    for (const byte of [8, -1, 256, Number.NaN]) expect(native().give(channel, byte)).toBe(-EINVAL)
    expect(native().give(channel, 7)).toBe(0)
    expect(native().give(channel, 7)).toBe(-EINVAL)
    expect(available(ends.readFd)).toBe(1)
    native().closeChannel(channel)
    for (const call of [native().take, native().closeChannel] as const) expect(call(channel)).toBe(-EBADF)
    expect(native().give(channel, 7)).toBe(-EBADF)
    expect(native().take(Number.NaN)).toBe(-EBADF)
  })

  test('gives back what is out when it is closed, and what a wait brings afterwards', async () => {
    const ends = fifoEnds()
    const tokens = distinctTokens(6)
    write(ends.writeFd, tokens)
    const channel = openChannel(ends, way)
    native().take(channel)
    native().take(channel)
    // Its token lies ready, and is not delivered before this turn of the event loop is over.
    const { end } = waitToken(channel)
    const until = performance.now() + 30
    while (performance.now() < until);
    native().closeChannel(channel)
    const next = openChannel(fifoEnds(), way)
    expect(next).toBe(channel)
    expect(await end).toEqual({ status: 'failed', errno: ECANCELED })
    expect(all(ends.readFd)).toBe(sortedHex(tokens))
    native().closeChannel(next)
  })

  test('a wait that is cancelled takes nothing', async () => {
    const ends = fifoEnds()
    const channel = openChannel(ends, way)
    let delivered = 0
    let cancelled = 0
    const rounds = 150
    for (let i = 0; i < rounds; i++) {
      const { id, end } = waitToken(channel)
      if (i % 3 === 0) await sleep(0)
      write(ends.writeFd, Buffer.of(i))
      if (i % 2 === 0) await new Promise(setImmediate)
      if (cancelWait(id)) {
        cancelled++
        expect(cancelWait(id)).toBe(false)
        expect(String(await read(ends.readFd, 1))).toHaveLength(1)
      } else {
        delivered++
        expect(await end).toMatchObject({ status: 'ready', value: i })
        native().give(channel, i)
        await read(ends.readFd, 1)
      }
    }
    expect(delivered + cancelled).toBe(rounds)
    expect(available(ends.readFd)).toBe(0)
    native().closeChannel(channel)
  })
})

describe('what a process took is given back at its end', () => {
  const holds = (way: Way): string => `
    const { giveBackAtExit, startWait } = await import(built + 'native/waits.js')
    const ends = ${way} === 0 ? [fd.reopen(3), fd.reopen(4)] : [fd.dup(3), fd.dup(4)]
    const channel = native().openChannel(...ends, ${way}, ${way} === 0)
    giveBackAtExit()
    const taken = [native().take(channel), native().take(channel), native().takeWithin(channel, 100)]
    await new Promise((resolve) => startWait((binding, id) => binding.waitToken(id, channel, -1), resolve))
    say(taken)
  `
  const waitsForMore = `
    for (let i = 0; i < 20; i++) startWait((binding, id) => binding.waitToken(id, channel, -1), () => {})
  `
  const ways: [string, Way][] = [
    ['own', 0],
    ['splice', 2],
    ['parked', 3],
  ]
  const ends: [string, string, number][] = [
    ['when nothing is left to do', '', 0],
    ['process.exit()', 'process.exit(0)', 0],
    ['process.exit() with waits that get the last tokens', `${waitsForMore}; process.exit(0)`, 0],
    ['process.exit() with waits that wait', `${waitsForMore}; await sleep(50); process.exit(0)`, 0],
    ['an uncaught error', 'throw new Error("on purpose")', 1],
    ['an exit listener that takes one more', "process.on('exit', () => native().take(channel))", 0],
  ]
  test.each(ways.flatMap(([name, way]) => ends.map(([how, code, status]) => ({ name, way, how, code, status }))))(
    '$how, $name',
    async ({ way, code, status }) => {
      const { readFd, writeFd } = await pipeEnds()
      const tokens = distinctTokens(10)
      write(writeFd, tokens)
      const program = startProgram(holds(way) + code, { fds: [readFd, writeFd] })
      expect(await program.says()).toEqual([...tokens.subarray(0, 3)])
      expect(await program.exited).toMatchObject({ code: status })
      await waitFor(() => available(readFd) === 10, 2000, `all tokens are back, not ${available(readFd)}`)
      expect(all(readFd)).toBe(sortedHex(tokens))
    },
  )
})
