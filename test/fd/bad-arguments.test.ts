import { closeSync, openSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { available, close, dup, info, mkfifo, poll, pollSync, read, readSync, reopen, write } from '../../src/fd.ts'
import { openFdCount } from '../support/processes.ts'
import { fifoEnds } from './media.ts'

/** A number that is no descriptor now. */
function closedFd(): number {
  const fd = openSync('/dev/null', 'r')
  closeSync(fd)
  return fd
}

// Node-API would make 0, which is standard input, of NaN and of 2 ** 32.
const notDescriptors: [string, unknown][] = [
  ['a closed one', closedFd()],
  ['-1', -1],
  ['a huge one', 0x7fffffff],
  ['2 ** 32', 2 ** 32],
  ['-(2 ** 32)', -(2 ** 32)],
  ['1e300', 1e300],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['0.5', 0.5],
  ['a string', '0'],
  ['undefined', undefined],
  ['null', null],
  ['an object', {}],
  ['a bigint', 0n],
  ['a symbol', Symbol('fd')],
]

const calls: [string, (fd: number) => unknown][] = [
  ['dup', (fd) => dup(fd)],
  ['reopen', (fd) => reopen(fd)],
  ['reopen with access', (fd) => reopen(fd, { access: 'read' })],
  ['close', (fd) => close(fd)],
  ['info', (fd) => info(fd)],
  ['available', (fd) => available(fd)],
  ['poll', (fd) => poll(fd, 'read', { timeout: 5000 })],
  ['pollSync', (fd) => pollSync(fd, 'read', { timeout: 5000 })],
  ['read', (fd) => read(fd, 1, { timeout: 5000 })],
  ['read, own', (fd) => read(fd, 1, { timeout: 5000, way: 'own' })],
  ['read, splice', (fd) => read(fd, 1, { timeout: 5000, way: 'splice' })],
  ['read, parked', (fd) => read(fd, 1, { timeout: 5000, way: 'parked' })],
  ['readSync', (fd) => readSync(fd, 1, { timeout: 5000 })],
  ['write', (fd) => write(fd, Buffer.from('x'))],
]

describe.each(notDescriptors)('%s is no descriptor', (_, fd) => {
  test.each(calls)('%s', async (_name, call) => {
    const descriptors = openFdCount(process.pid)
    const begin = performance.now()
    const error = await Promise.resolve()
      .then(() => call(fd as number))
      .then(
        () => undefined,
        (reason) => reason,
      )
    expect(error).toBeInstanceOf(Error)
    expect(error.code === 'EBADF' || error instanceof TypeError).toBe(true)
    expect(performance.now() - begin).toBeLessThan(2000)
    expect(openFdCount(process.pid)).toBe(descriptors)
  })
})

describe('what else can be wrong', () => {
  const wrong: [string, (fd: number, other: never) => unknown, unknown[]][] = [
    [
      'the length of a read',
      (fd, length) => read(fd, length, { timeout: 500 }),
      [-1, 1.5, NaN, 2 ** 40, '3', undefined],
    ],
    ['the length of a readSync', (fd, length) => readSync(fd, length, { timeout: 500 }), [-1, NaN, 2 ** 40, '3', null]],
    ['the timeout of a read', (fd, timeout) => read(fd, 1, { timeout }), [NaN, '5', null, {}]],
    ['the timeout of a poll', (fd, timeout) => poll(fd, 'read', { timeout }), [NaN, '5', null, {}]],
    ['the timeout of a pollSync', (fd, timeout) => pollSync(fd, 'read', { timeout }), [NaN, '5', null, {}]],
    ['the signal of a read', (fd, signal) => read(fd, 1, { signal, timeout: 500 }), [{}, 'abort', 5]],
    ['the signal of a poll', (fd, signal) => poll(fd, 'read', { signal, timeout: 500 }), [{}, 'abort', 5]],
    [
      'the events of a poll',
      (fd, events) => poll(fd, events, { timeout: 500 }),
      ['readable', '', 'toString', undefined, 5, [undefined]],
    ],
    ['the events of a pollSync', (fd, events) => pollSync(fd, events, { timeout: 500 }), ['in', 'toString', null, [5]]],
    ['the way of a read', (fd, way) => read(fd, 1, { way, timeout: 500 }), ['fast', 5, {}]],
    ['the way of a readSync', (fd, way) => readSync(fd, 1, { way, timeout: 500 }), ['fast']],
    ['the access of a reopen', (fd, access) => reopen(fd, { access }), ['append', 7, {}]],
    ['the path of a FIFO', (_, path) => mkfifo(path), [undefined, 5, {}, '', 'a\0b']],
    ['the mode of a FIFO', (_, mode) => mkfifo('/nonexistent/fifo', mode), [NaN, -1, 0o200000, '600']],
    ['the bytes of a write', (fd, bytes) => write(fd, bytes), ['text', undefined, null, 5, [1, 2], { length: 3 }]],
  ]
  const rows = wrong.flatMap(([what, call, values]) =>
    values.map((value) => ({
      title: `${what}: ${typeof value === 'string' ? `'${value}'` : String(value)}`,
      call,
      value,
    })),
  )

  test.each(rows)('$title', async ({ call, value }) => {
    const { readFd } = fifoEnds()
    const descriptors = openFdCount(process.pid)
    const error = await Promise.resolve()
      .then(() => call(readFd, value as never))
      .then(
        () => undefined,
        (reason) => reason,
      )
    expect(error).toBeInstanceOf(Error)
    expect((error as NodeJS.ErrnoException).code).not.toBe('ERR_JOBSLOT_TIMEOUT')
    expect(openFdCount(process.pid)).toBe(descriptors)
  })
})

test('a timeout that is negative asks and does not wait, one that is infinite waits', async () => {
  const { readFd, writeFd } = fifoEnds()
  await expect(read(readFd, 1, { timeout: -5 })).rejects.toMatchObject({ code: 'ERR_JOBSLOT_TIMEOUT' })
  expect(pollSync(readFd, 'read', { timeout: -5 })).toBeNull()
  for (const timeout of [Number.POSITIVE_INFINITY, 1e300, Number.MAX_SAFE_INTEGER, 2 ** 31, 2 ** 32]) {
    const promise = read(readFd, 1, { timeout })
    await new Promise((resolve) => setTimeout(resolve, 20))
    write(writeFd, Buffer.from('x'))
    expect(String(await promise)).toBe('x')
  }
})
