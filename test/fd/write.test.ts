import { closeSync, readSync as fsReadSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { available, info, poll, read, readSync, write } from '../../src/fd.ts'
import { tempDir } from '../support/processes.ts'
import { closeOnce, type Ends, fdOf, fifoEnds, openMedium, pipeEnds, socketEnds } from './media.ts'

/** Writes until there is no room, which has to come at once. */
function fill(fd: number): number {
  const chunk = Buffer.alloc(4096)
  let total = 0
  for (let n = -1; n !== 0; total += n) {
    const begin = performance.now()
    n = write(fd, chunk)
    expect(performance.now() - begin).toBeLessThan(500)
  }
  return total
}

describe.each([
  ['pipe', pipeEnds],
  ['FIFO', async () => fifoEnds()],
] as [string, () => Promise<Ends>][])('%s', (_, ends) => {
  test('writes what it is given', async () => {
    const { readFd, writeFd } = await ends()
    expect(write(writeFd, Buffer.from([0, 128, 255]))).toBe(3)
    expect([...(await read(readFd, 9))]).toEqual([0, 128, 255])
    expect(write(writeFd, Buffer.from('abc').subarray(1))).toBe(2)
    expect(available(readFd)).toBe(2)
    expect(write(writeFd, new Uint8Array(0))).toBe(0)
  })

  test('answers 0 when there is no room, does not wait, and goes on when there is some', async () => {
    const { readFd, writeFd } = await ends()
    expect(info(writeFd).nonblocking).toBe(false)
    expect(fill(writeFd)).toBe(65536)
    expect(await poll(writeFd, 'write', { timeout: 30 })).toBeNull()
    const room = poll(writeFd, 'write')
    expect(readSync(readFd, 4096)).toHaveLength(4096)
    expect(await room).toMatchObject({ writable: true })
    expect(fill(writeFd)).toBe(4096)
    expect(info(writeFd).nonblocking).toBe(false)
  })

  test('writes a part of what does not fit', async () => {
    const { readFd, writeFd } = await ends()
    expect(write(writeFd, Buffer.alloc(100_000))).toBe(65536)
    expect(available(readFd)).toBe(65536)
  })

  test('is an error when nobody can read any more', async () => {
    const { readFd, writeFd } = await ends()
    closeOnce(readFd)
    expect(() => write(writeFd, Buffer.from('x'))).toThrow(expect.objectContaining({ code: 'EPIPE' }))
  })

  test('is an error on the end for reading', async () => {
    const { readFd } = await ends()
    expect(() => write(readFd, Buffer.from('x'))).toThrow(expect.objectContaining({ code: 'EBADF' }))
    expect(available(readFd)).toBe(0)
  })
})

test('a socket: room, no room, and nobody there', async () => {
  const { near, far } = await socketEnds()
  expect(write(fdOf(near), Buffer.from('abc'))).toBe(3)
  expect(String(readSync(fdOf(far), 9))).toBe('abc')
  expect(fill(fdOf(near))).toBeGreaterThan(4096)
  far.destroy()
  await new Promise((resolve) => far.once('close', resolve))
  expect(() => write(fdOf(near), Buffer.from('x'))).toThrow(expect.objectContaining({ code: 'EPIPE' }))
})

test('a file, at its position', () => {
  const path = join(tempDir(), 'file')
  const fd = openSync(path, 'w+')
  expect(write(fd, Buffer.from('abc'))).toBe(3)
  expect(write(fd, Buffer.from('def'))).toBe(3)
  expect(readFileSync(path, 'utf8')).toBe('abcdef')
  closeSync(fd)
})

test('a terminal', async (ctx) => {
  const { fd } = await openMedium('terminal', ctx)
  expect(write(fd, Buffer.from('to the screen'))).toBe(13)
})

test('the whole of a device that takes everything', () => {
  const fd = openSync('/dev/null', 'w')
  expect(write(fd, Buffer.alloc(100_000))).toBe(100_000)
  closeSync(fd)
  const zero = openSync('/dev/zero', 'r')
  expect(fsReadSync(zero, Buffer.alloc(3))).toBe(3)
  expect(readSync(zero, 3)).toEqual(Buffer.alloc(3))
  closeSync(zero)
})
