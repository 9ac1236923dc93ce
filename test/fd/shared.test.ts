import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { available, info, poll, read, readSync, write } from '../../src/fd.ts'
import type { ReadWay } from '../../src/native/ends.ts'
import { flagsOf, openFdCount } from '../support/processes.ts'
import { fifoEnds, openMedium, pipeEnds, waysOf } from './media.ts'
import { type Program, runProgram, startProgram } from './program.ts'
import { python } from './python.ts'

const O_NONBLOCK = 0o4000
const O_CLOEXEC = 0o2000000

/** All that the module does, with descriptors that it shares with others: 3 to read from, 4 to write to. */
const everything = (ways: readonly (ReadWay | undefined)[]): string => `
  const end = (error) => { if (error.code !== 'ERR_JOBSLOT_TIMEOUT' && error.name !== 'AbortError') throw error }
  say('begun')
  for (let round = 0; round < 8; round++) {
    for (const way of ${JSON.stringify(ways.map((way) => way ?? null))}) {
      const options = way === null ? {} : { way }
      fd.write(4, Buffer.from('ab'))
      await fd.read(3, 1, { ...options, timeout: 20 }).catch(end)
      try { fd.readSync(3, 1, { ...options, timeout: 20 }) } catch (error) { end(error) }
      await fd.read(3, 1, { ...options, timeout: 4 }).catch(end)
      const controller = new AbortController()
      const aborted = fd.read(3, 1, { ...options, signal: controller.signal }).catch(end)
      await sleep(2)
      controller.abort()
      await aborted
    }
    await fd.poll(3, 'read', { timeout: 1 })
    await fd.poll(4, 'write', { timeout: 1 })
    fd.pollSync(3, 'read', { timeout: 1 })
    fd.close(fd.dup(3))
    fd.close(fd.dup(4))
    fd.info(3)
    fd.available(3)
  }
  say('ended')
  await sleep(60_000)
`

/** The status flags of these descriptors of other processes, seen again and again while the program runs. */
async function flagsWhile(program: Program, shared: () => [pid: number, fd: number][]): Promise<Set<string>> {
  const seen = new Set<string>()
  // Close-on-exec is the number's, not the description's.
  const look = () =>
    seen.add(
      shared()
        .map(([pid, fd]) => (flagsOf(pid, fd) & ~O_CLOEXEC).toString(8))
        .join(' '),
    )
  await program.says()
  const timer = setInterval(look, 1)
  expect(await program.says(2)).toBe('ended')
  clearInterval(timer)
  look()
  return seen
}

describe('no flag of a description that another process shares changes', () => {
  test.each([
    ['pipe', pipeEnds, waysOf.pipe],
    ['FIFO', async () => fifoEnds(), waysOf.FIFO],
  ] as const)('%s', async (_, ends, ways) => {
    const { readFd, writeFd } = await ends()
    const program = startProgram(everything(ways), { fds: [readFd, writeFd] })
    const { pid } = process
    const shared = [
      [pid, readFd],
      [pid, writeFd],
      [program.pid, 3],
      [program.pid, 4],
    ] as [number, number][]
    expect([...(await flagsWhile(program, () => shared))]).toEqual(['100000 100001 100000 100001'])
  })

  test('terminal', async (ctx) => {
    const { fd } = await openMedium('terminal', ctx)
    const program = startProgram(everything(waysOf.terminal), { fds: [fd, fd] })
    const seen = await flagsWhile(program, () => [
      [process.pid, fd],
      [program.pid, 3],
      [program.pid, 4],
    ])
    expect(seen.size).toBe(1)
    expect(flagsOf(process.pid, fd) & O_NONBLOCK).toBe(0)
  })

  test('socket', async (ctx) => {
    const program = startProgram(everything(waysOf.socket), { under: [python(ctx), '-c', withSocketPair] })
    // The process that made them and waits has them too: the socket pair is a blocking one.
    expect([
      ...(await flagsWhile(program, () => [
        [program.pid, 3],
        [program.pid, 4],
      ])),
    ]).toEqual(['2 2'])
  })

  const withSocketPair = `
import os, socket, subprocess, sys
ends = [os.dup(end.detach()) for end in socket.socketpair()]
for fd, end in zip((3, 4), ends):
    os.dup2(end, fd)
subprocess.run(sys.argv[1:], pass_fds=(3, 4))
`
})

test('two processes that wait on one description get each byte once', async () => {
  for (const { readFd, writeFd } of [await pipeEnds(), fifoEnds()]) {
    const reader = (way: ReadWay) => `
      const got = []
      say('begun')
      for (;;) {
        const byte = (await fd.read(3, 1, { way: '${way}' }))[0]
        if (byte === 0) break
        got.push(byte)
      }
      say(got)
    `
    const programs = (['own', 'splice', 'parked'] as const).map((way) => startProgram(reader(way), { fds: [readFd] }))
    await Promise.all(programs.map((program) => program.says()))
    const sent = Array.from({ length: 200 }, (_, i) => i + 1)
    for (const byte of sent) {
      write(writeFd, Buffer.of(byte))
      if (byte % 5 === 0) await sleep(1)
    }
    while (available(readFd) > 0) await sleep(5)
    write(writeFd, Buffer.of(0, 0, 0))
    const got = await Promise.all(programs.map(async (program) => (await program.ended).at(-1) as number[]))
    expect(got.flat().sort((a, b) => a - b)).toEqual(sent)
  }
})

test('a descriptor that is closed here stays open in the process that shares it', async () => {
  const { readFd, writeFd } = await pipeEnds()
  const program = startProgram(`say('begun'); say(String(await fd.read(3, 1)))`, { fds: [readFd] })
  await program.says()
  write(writeFd, Buffer.from('x'))
  expect(await program.says(2)).toBe('x')
})

// A pipe that another user made cannot be opened again. Whoever runs the tests: the rights are taken from the pipe, and
// root, for whom rights do not count, becomes another user.
const refused = `
  fs.fchmodSync(3, 0)
  const { openReadEnd, openWriteEnd } = await import(built + 'native/ends.js')
  fd.info(3)
  if (process.getuid() === 0) {
    process.setgid(65534)
    process.setuid(65534)
  }
`

test('what cannot be opened again is spliced, and written when there is room', async () => {
  for (const { readFd, writeFd } of [await pipeEnds(), fifoEnds()]) {
    const said = await runProgram(
      `${refused}
      let own
      try { fd.reopen(3) } catch (error) { own = error.code }
      const { way } = openReadEnd(3)
      const write = openWriteEnd(4).own
      const late = fd.read(3, 1)
      await sleep(20)
      fd.write(4, Buffer.from('abc'))
      const read = [String(await late), String(fd.readSync(3, 1)), String(await fd.read(3, 1))]
      let timeout
      try { fd.readSync(3, 1, { timeout: 20 }) } catch (error) { timeout = error.code }
      let room = 0
      for (let n = -1; n !== 0; room += n) n = fd.write(4, Buffer.alloc(8192))
      say({ own, way, write, read, timeout, room })`,
      { fds: [readFd, writeFd] },
    )
    expect(said).toEqual({
      own: 'EACCES',
      way: 2,
      write: false,
      read: ['a', 'b', 'c'],
      timeout: 'ERR_JOBSLOT_TIMEOUT',
      room: 65536,
    })
    expect(info(readFd).nonblocking).toBe(false)
    expect(info(writeFd).nonblocking).toBe(false)
  }
})

test('a wait leaves no descriptor, however it ends', async () => {
  // The thread that read for a parked wait ends a moment after it.
  const count = async () => {
    await sleep(200)
    return openFdCount(process.pid)
  }
  const { readFd, writeFd } = fifoEnds()
  const round = async (way: ReadWay | undefined) => {
    await read(readFd, 1, { way, timeout: 1 }).catch(() => {})
    await poll(readFd, 'read', { timeout: 1 })
    const controller = new AbortController()
    const aborted = [
      read(readFd, 1, { way, signal: controller.signal }),
      poll(readFd, 'read', { signal: controller.signal }),
    ]
    controller.abort()
    await Promise.allSettled(aborted)
    write(writeFd, Buffer.from('ab'))
    await read(readFd, 1, { way })
    readSync(readFd, 1, { way })
    try {
      readSync(readFd, 1, { way, timeout: 1 })
    } catch {
      // In time, as it should be.
    }
  }
  for (const way of waysOf.FIFO) await round(way)
  const before = await count()
  for (let i = 0; i < 20; i++) for (const way of waysOf.FIFO) await round(way)
  expect(await count()).toBe(before)
})
