import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { available, close, dup, read, readSync, write } from '../../src/fd.ts'
import { tempDir, waitFor } from '../support/processes.ts'
import { closeOnce, fifoEnds, type MediumName, mediaAndWays, openMedium, pipeEnds } from './media.ts'

/** What arrives through a terminal comes from another process. */
const arrives = (fd: number, bytes: number) => waitFor(() => available(fd) >= bytes)

/** A parked read's own thread has 20 ms to fetch what lies there, and does not get them on every busy machine. */
async function patiently(call: () => Buffer | Promise<Buffer>): Promise<Buffer> {
  for (let attempts = 3; ; attempts--) {
    try {
      return await call()
    } catch (error) {
      if (attempts === 1) throw error
    }
  }
}

describe.each(mediaAndWays)('$title', ({ medium: name, way }) => {
  const most = way === 'parked' ? 1 : 3

  test('reads at once what lies there, and no more than asked for', async (ctx) => {
    const { fd, send } = await openMedium(name, ctx)
    send('abcdef')
    await arrives(fd, 6)
    expect(String(await patiently(() => read(fd, most, { way, timeout: 0 })))).toBe('abc'.slice(0, most))
    expect(String(await patiently(() => readSync(fd, 1, { way, timeout: 0 })))).toBe('abcdef'[most])
    expect(available(fd)).toBe(5 - most)
  })

  test('waits for what comes', async (ctx) => {
    const { fd, send } = await openMedium(name, ctx)
    const promise = read(fd, 8, { way })
    await sleep(50)
    send('x')
    expect(String(await promise)).toBe('x')
  })

  test('ends at its timeout, and not before; what comes afterwards is not lost', async (ctx) => {
    const { fd, send } = await openMedium(name, ctx)
    const begin = performance.now()
    await expect(read(fd, 1, { way, timeout: 80 })).rejects.toMatchObject({ code: 'ERR_JOBSLOT_TIMEOUT' })
    expect(() => readSync(fd, 1, { way, timeout: 80 })).toThrow(
      expect.objectContaining({ code: 'ERR_JOBSLOT_TIMEOUT' }),
    )
    const took = performance.now() - begin
    expect(took).toBeGreaterThanOrEqual(160)
    expect(took).toBeLessThan(1000)
    send('y')
    expect(String(await read(fd, 1, { way, timeout: 5000 }))).toBe('y')
  })

  test('with timeout 0 asks and does not wait', async (ctx) => {
    const { fd } = await openMedium(name, ctx)
    await expect(read(fd, 1, { way, timeout: 0 })).rejects.toMatchObject({ code: 'ERR_JOBSLOT_TIMEOUT' })
    expect(() => readSync(fd, 1, { way, timeout: 0 })).toThrow(expect.objectContaining({ code: 'ERR_JOBSLOT_TIMEOUT' }))
  })

  test('ends when it is aborted; what comes afterwards is not lost', async (ctx) => {
    const { fd, send } = await openMedium(name, ctx)
    const reason = new Error('no longer wanted')
    const controller = new AbortController()
    const promise = read(fd, 1, { way, signal: controller.signal })
    await sleep(20)
    controller.abort(reason)
    await expect(promise).rejects.toBe(reason)
    await expect(read(fd, 1, { way, signal: controller.signal })).rejects.toBe(reason)
    send('z')
    expect(String(await read(fd, 1, { way, timeout: 5000 }))).toBe('z')
  })

  test('aborted at the moment when bytes come, loses none', async (ctx) => {
    const { fd, send } = await openMedium(name, ctx)
    const sent = 'abcdefghijklmnopqrstuvwxyz'.repeat(8)
    let received = ''
    let aborted = 0
    for (const byte of sent) {
      const controller = new AbortController()
      const promise = read(fd, 1, { way, signal: controller.signal })
      send(byte)
      // Enough to be before, at and after the byte's arrival.
      for (let left = Math.random() * 60; left > 0; left--) performance.now()
      if (Math.random() < 0.5) await new Promise(setImmediate)
      controller.abort()
      try {
        received += String(await promise)
      } catch (error) {
        expect(error).toMatchObject({ name: 'AbortError' })
        aborted++
      }
    }
    while (received.length < sent.length) received += String(await read(fd, 1, { way, timeout: 5000 }))
    expect(received).toBe(sent)
    expect(aborted).toBeGreaterThan(0)
  })

  test('answers with nothing at the end of file', async (ctx) => {
    const { fd, send, hangUp } = await openMedium(name, ctx)
    // A terminal throws away what was not read when it is hung up.
    if (name !== 'terminal') {
      send('q')
      hangUp()
      expect(String(await read(fd, 1, { way }))).toBe('q')
      expect(await read(fd, 1, { way })).toHaveLength(0)
      expect(readSync(fd, 1, { way })).toHaveLength(0)
    } else {
      const promise = read(fd, 1, { way })
      await sleep(20)
      hangUp()
      expect(await promise).toHaveLength(0)
    }
  })

  test('goes on when the number is closed, and when it is another file', async (ctx) => {
    const { fd, send } = await openMedium(name, ctx)
    const copy = dup(fd)
    const promise = read(copy, 1, { way })
    closeSync(copy)
    const other = join(tempDir(), 'other')
    writeFileSync(other, 'of another file')
    const reused = openSync(other, 'r')
    expect(reused).toBe(copy)
    await sleep(20)
    send('m')
    expect(String(await promise)).toBe('m')
    closeSync(reused)
  })

  test('several wait at once, and each gets what is its own', async (ctx) => {
    const { fd, send } = await openMedium(name, ctx)
    const promises = [1, 2, 3, 4].map(() => read(fd, 1, { way }))
    send('1234')
    const received = (await Promise.all(promises)).map(String)
    expect(received.sort()).toEqual(['1', '2', '3', '4'])
  })

  test('reads through a second descriptor of the same description', async (ctx) => {
    const { fd, send } = await openMedium(name, ctx)
    const second = dup(fd)
    const promise = read(second, 1, { way })
    send('d')
    expect(String(await promise)).toBe('d')
    close(second)
  })
})

test('a read of many bytes takes all that are there', async () => {
  const { readFd, writeFd } = await pipeEnds()
  const bytes = Buffer.alloc(40_000, 'jobslot')
  expect(write(writeFd, bytes)).toBe(40_000)
  expect((await read(readFd, 100_000)).equals(bytes)).toBe(true)
  expect(write(writeFd, bytes)).toBe(40_000)
  expect(readSync(readFd, 100_000, { way: 'splice' }).equals(bytes)).toBe(true)
})

test('a file is read from its position, which is shared as ever', async () => {
  const path = join(tempDir(), 'file')
  writeFileSync(path, 'abcdef')
  const fd = openSync(path, 'r')
  expect(String(await read(fd, 2))).toBe('ab')
  expect(String(readSync(fd, 2))).toBe('cd')
  expect(String(await read(fd, 9))).toBe('ef')
  expect(await read(fd, 9)).toHaveLength(0)
  closeSync(fd)
})

describe('a way that does not work on a descriptor is an error', () => {
  const refused: [MediumName, 'own' | 'splice'][] = [
    ['socket', 'own'],
    ['socket', 'splice'],
    ['terminal', 'splice'],
  ]
  test.each(refused)('%s, %s', async (name, way) => {
    const { fd } = await openMedium(name, { skip: () => expect.fail() })
    await expect(read(fd, 1, { way, timeout: 50 })).rejects.toMatchObject({ syscall: expect.any(String) })
  })
})

describe('a descriptor that is open for writing only is an error', () => {
  test.each([undefined, 'own', 'splice', 'parked'] as const)('%s', async (way) => {
    const { writeFd } = fifoEnds()
    await expect(read(writeFd, 1, { way, timeout: 50 })).rejects.toMatchObject({ code: 'EBADF' })
    expect(() => readSync(writeFd, 1, { way, timeout: 50 })).toThrow(expect.objectContaining({ code: 'EBADF' }))
  })
})

test.each([undefined, 'own', 'splice', 'parked'] as const)('a length of 0 reads nothing: %s', async (way) => {
  const { readFd, writeFd } = fifoEnds()
  write(writeFd, Buffer.from('a'))
  expect(await read(readFd, 0, { way, timeout: 1000 })).toHaveLength(0)
  expect(readSync(readFd, 0, { way, timeout: 1000 })).toHaveLength(0)
  expect(available(readFd)).toBe(1)
  closeOnce(writeFd)
})
