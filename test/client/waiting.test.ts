import { spawn } from 'node:child_process'
import { getEventListeners, once } from 'node:events'
import { writeSync } from 'node:fs'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Client } from '../../src/client/client.ts'
import type { FifoJobserver } from '../support/jobserver.ts'
import { waitFor } from '../support/processes.ts'
import { connected, connectTo, reaches } from './reach.ts'

/** Bytes that no two waiters share. */
const numbered = (count: number): number[] => Array.from({ length: count }, (_, i) => 255 - i)

/** A client of an empty FIFO whose implicit slot is taken. */
function empty(reach: (typeof reaches)[number]) {
  const { client, jobserver } = connected(Buffer.alloc(0), reach)
  const implicit = client.tryAcquire()
  return { client, implicit, jobserver, give: (...bytes: number[]) => writeSync(jobserver.writeFd, Buffer.from(bytes)) }
}

/** What lies there now or in a moment, when who read it has given it back. */
async function lying(jobserver: FifoJobserver): Promise<string> {
  let seen = ''
  await waitFor(
    () => {
      seen ||= jobserver.drain()
      return seen !== ''
    },
    2000,
    'a token lies there',
  )
  return seen
}

/** Waiters that keep what they get, in the order in which they get it. */
function waiters(client: Client, count: number, options: (i: number) => Parameters<Client['acquire']>[0] = () => ({})) {
  const served: number[] = []
  const failed: number[] = []
  const all = Array.from({ length: count }, (_, i) =>
    client.acquire(options(i)).then(
      (slot) => {
        served.push(i)
        return slot
      },
      () => {
        failed.push(i)
        return null
      },
    ),
  )
  return { served, failed, all }
}

describe.for(reaches)('waiting for tokens through %s', (reach) => {
  test('waiters are served in order', async () => {
    const { client, give } = empty(reach)
    const { served, all } = waiters(client, 6)
    for (const byte of numbered(6)) {
      give(byte)
      await sleep(2)
    }
    const slots = await Promise.all(all)
    expect(served).toEqual([0, 1, 2, 3, 4, 5])
    expect(slots.map((slot) => slot?.token)).toEqual(numbered(6))
  })

  test('tryAcquire does not overtake them', async () => {
    const { client, jobserver, give } = empty(reach)
    const { all } = waiters(client, 1)
    give(7)
    expect(client.tryAcquire()).toBeNull()
    expect((await all[0])?.token).toBe(7)
    expect(jobserver.drain()).toBe('')
  })

  test('the implicit slot goes to the head as well, and then nobody reads any more', async () => {
    const { client, implicit, jobserver, give } = empty(reach)
    const { all } = waiters(client, 1)
    implicit?.release()
    expect((await all[0])?.implicit).toBe(true)
    give(7)
    await sleep(20)
    expect(jobserver.drain()).toBe('07')
  })

  test('those who leave from the front, the middle and the end do not disturb the others', async () => {
    const { client, give, jobserver } = empty(reach)
    const controllers = numbered(7).map(() => new AbortController())
    const { served, failed, all } = waiters(client, 7, (i) => ({ signal: controllers[i]!.signal }))
    for (const i of [3, 0, 6]) controllers[i]?.abort()
    give(...numbered(5))
    await Promise.all(all)
    expect(failed.sort()).toEqual([0, 3, 6])
    expect(served).toEqual([1, 2, 4, 5])
    await sleep(20)
    expect(jobserver.drain()).toBe(Buffer.from(numbered(5).slice(4)).toString('hex'))
  })

  test('a timeout ends the wait, not before its time, and takes no token after it', async () => {
    const { client, give, jobserver } = empty(reach)
    const begin = performance.now()
    await expect(client.acquire({ timeout: 40 })).rejects.toMatchObject({
      code: 'ERR_JOBSLOT_TIMEOUT',
      message: expect.stringContaining('40 ms'),
    })
    expect(performance.now() - begin).toBeGreaterThanOrEqual(39)
    give(1)
    await sleep(20)
    expect(jobserver.drain()).toBe('01')
  })

  test('acquireSync waits as long as it is told, and no longer', () => {
    const { client } = empty(reach)
    const begin = performance.now()
    expect(() => client.acquireSync({ timeout: 60 })).toThrow(expect.objectContaining({ code: 'ERR_JOBSLOT_TIMEOUT' }))
    const took = performance.now() - begin
    expect(took).toBeGreaterThanOrEqual(59)
    expect(took).toBeLessThan(2000)
  })

  test('acquireSync takes the token that comes, though others were waiting', async () => {
    const { client, jobserver } = empty(reach)
    for (let round = 0; round < 8; round++) {
      const { all, served } = waiters(client, 2)
      await nextTurn()
      // This thread will be blocked: another process gives the token.
      const giver = spawn('sh', ['-c', `sleep 0.03; printf A > '${jobserver.path}'`])
      const slot = client.acquireSync({ timeout: 5000 })
      expect(slot.token).toBe(0x41)
      if (giver.exitCode === null) await once(giver, 'exit')
      expect(served).toEqual([])

      // They wait on, and are served when it comes back.
      slot.release()
      for (const waiting of all) (await waiting)?.release()
      expect(jobserver.drain()).toBe('41')
    }
  })

  test('an abort before, while, and by a timeout of its own', async () => {
    const { client, jobserver, give } = empty(reach)
    const reason = new Error('no longer wanted')
    await expect(client.acquire({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)

    const controller = new AbortController()
    const waiting = client.acquire({ signal: controller.signal })
    setTimeout(() => controller.abort(reason), 10)
    await expect(waiting).rejects.toBe(reason)
    await expect(client.acquire({ signal: AbortSignal.timeout(10) })).rejects.toMatchObject({ name: 'TimeoutError' })
    const ended = new AbortController()
    ended.abort()
    await expect(client.run(() => {}, { signal: ended.signal })).rejects.toMatchObject({ name: 'AbortError' })

    give(9)
    await sleep(20)
    expect(jobserver.drain()).toBe('09')
  })

  test('an abort after the slot was given changes nothing', async () => {
    const { client, give } = empty(reach)
    const controller = new AbortController()
    const waiting = client.acquire({ signal: controller.signal })
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
    give(5)
    const slot = await waiting
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
    controller.abort()
    expect(slot.index).toBeGreaterThanOrEqual(0)
  })

  test('a token that comes at the moment of an abort is had or lies there still', async () => {
    const { client, jobserver, give } = empty(reach)
    let had = 0
    for (let round = 0; round < 300; round++) {
      const controller = new AbortController()
      const waiting = client.acquire({ signal: controller.signal }).catch(() => null)
      // Sometimes the thread that reads is faster, sometimes the abort.
      if (round % 3 > 0) await nextTurn()
      give(round)
      if (round % 3 > 1) for (const until = performance.now() + 0.3; performance.now() < until; );
      controller.abort()
      const slot = await waiting
      if (slot) {
        had++
        expect(slot.token).toBe(round & 255)
        slot.release()
      }
      expect(await lying(jobserver)).toBe(Buffer.of(round).toString('hex'))
    }
    expect(had).toBeLessThan(300)
  })

  test('a token that comes at the moment of a timeout, or of close(), is had or lies there still', async () => {
    for (let round = 0; round < 40; round++) {
      const { client, jobserver, give } = empty(reach)
      const waiting = client.acquire({ timeout: 2 }).catch(() => null)
      for (const until = performance.now() + 1.9; performance.now() < until; );
      give(round)
      if (round % 2) client.close()
      ;(await waiting)?.release()
      expect(await lying(jobserver)).toBe(Buffer.of(round).toString('hex'))
    }
  })
})

test('two clients of one jobserver are one queue', async () => {
  const { client, jobserver } = connected(Buffer.alloc(0))
  const other = connectTo(jobserver)
  client.tryAcquire()
  const order: string[] = []
  const waiting = [client, other, client, other].map((each, i) => each.acquire().then(() => order.push('abcd'[i]!)))
  for (const byte of numbered(4)) {
    writeSync(jobserver.writeFd, Buffer.of(byte))
    await sleep(2)
  }
  await Promise.all(waiting)
  expect(order.join('')).toBe('abcd')
  other.close()
})
