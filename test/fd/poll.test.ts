import { setMaxListeners } from 'node:events'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { available, dup, poll, pollSync, read, write } from '../../src/fd.ts'
import { tempDir } from '../support/processes.ts'
import { closeOnce, fifoEnds, type MediumName, openMedium, pipeEnds, waysOf } from './media.ts'

const quiet = { readable: false, writable: false, priority: false, hangup: false, error: false }

describe.each(Object.keys(waysOf) as MediumName[])('%s', (name) => {
  test('is readable when something has come, and reads nothing of it', async (ctx) => {
    const { fd, send } = await openMedium(name, ctx)
    const promise = poll(fd, 'read')
    await sleep(20)
    send('a')
    expect(await promise).toEqual({ ...quiet, readable: true })
    expect(pollSync(fd, 'read')).toEqual({ ...quiet, readable: true })
    expect(available(fd)).toBe(1)
  })

  test('is null after the timeout, and not before', async (ctx) => {
    const { fd } = await openMedium(name, ctx)
    const begin = performance.now()
    expect(await poll(fd, 'read', { timeout: 60 })).toBeNull()
    expect(pollSync(fd, 'read', { timeout: 60 })).toBeNull()
    const took = performance.now() - begin
    expect(took).toBeGreaterThanOrEqual(120)
    expect(took).toBeLessThan(1000)
    expect(await poll(fd, 'read', { timeout: 0 })).toBeNull()
    expect(pollSync(fd, 'read', { timeout: 0 })).toBeNull()
  })

  test('ends when it is aborted', async (ctx) => {
    const { fd } = await openMedium(name, ctx)
    const controller = new AbortController()
    const promise = poll(fd, 'read', { signal: controller.signal })
    await sleep(10)
    controller.abort('enough')
    await expect(promise).rejects.toBe('enough')
    await expect(poll(fd, 'read', { signal: controller.signal })).rejects.toBe('enough')
  })

  test('tells of a hang-up', async (ctx) => {
    const { fd, hangUp } = await openMedium(name, ctx)
    const promise = poll(fd, [])
    await sleep(10)
    hangUp()
    expect(await promise).toMatchObject({ hangup: true })
    expect(pollSync(fd, [])).toMatchObject({ hangup: true })
  })

  test('goes on when the number is closed, and when it is another file', async (ctx) => {
    const { fd, send } = await openMedium(name, ctx)
    const copy = dup(fd)
    const promise = poll(copy, 'read')
    closeSync(copy)
    // A file is always ready: a wait for the number alone would end here.
    const path = join(tempDir(), 'other')
    writeFileSync(path, '')
    const reused = openSync(path, 'r')
    expect(reused).toBe(copy)
    let isOver = false
    promise.then(() => {
      isOver = true
    })
    await sleep(30)
    expect(isOver).toBe(false)
    send('x')
    expect(await promise).toMatchObject({ readable: true })
    closeSync(reused)
  })
})

test('tells events apart', async () => {
  const { readFd, writeFd } = await pipeEnds()
  expect(await poll(writeFd, ['read', 'write'])).toEqual({ ...quiet, writable: true })
  expect(await poll(readFd, ['read', 'priority'], { timeout: 10 })).toBeNull()
  closeOnce(readFd)
  expect(pollSync(writeFd, 'write')).toEqual({ ...quiet, writable: true, error: true })
})

test('a socket is readable and writable at once', async (ctx) => {
  const { fd, send } = await openMedium('socket', ctx)
  expect(pollSync(fd, ['read', 'write'])).toEqual({ ...quiet, writable: true })
  send('a')
  expect(await poll(fd, ['read', 'write'])).toEqual({ ...quiet, readable: true, writable: true })
})

test('many polls of one descriptor all end; a read takes the byte from none', async () => {
  const { readFd, writeFd } = fifoEnds()
  const polls = Array.from({ length: 50 }, () => poll(readFd, 'read'))
  const byte = read(readFd, 1)
  write(writeFd, Buffer.from('x'))
  expect(String(await byte)).toBe('x')
  write(writeFd, Buffer.from('y'))
  for (const result of await Promise.all(polls)) expect(result).toMatchObject({ readable: true })
})

test('hundreds of waits at once, each with its own end', async () => {
  const { readFd, writeFd } = fifoEnds()
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  const ends = { timeout: 0, aborted: 0, ready: 0 }
  const polls = Array.from({ length: 300 }, (_, i) => {
    const options = i % 3 === 0 ? { timeout: 20 + (i % 50) } : i % 3 === 1 ? { signal: controller.signal } : {}
    return poll(readFd, 'read', options).then(
      (result) => ends[result === null ? 'timeout' : 'ready']++,
      () => ends.aborted++,
    )
  })
  await sleep(100)
  controller.abort()
  await sleep(0)
  write(writeFd, Buffer.from('x'))
  await Promise.all(polls)
  expect(ends).toEqual({ timeout: 100, aborted: 100, ready: 100 })
})
