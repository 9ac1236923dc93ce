import { writeSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Client } from '../../src/client/client.ts'
import type { Slot } from '../../src/client/slot.ts'
import { distinctTokens, sortedHex } from '../support/jobserver.ts'
import { connected, connectTo, reaches } from './reach.ts'

const tokens = distinctTokens(5)

function takeAll(client: Client): Slot[] {
  const slots: Slot[] = []
  for (let slot = client.tryAcquire(); slot; slot = client.tryAcquire()) slots.push(slot)
  return slots
}

const bytesOf = (slots: readonly Slot[]): string => sortedHex(Buffer.from(slots.map((slot) => slot.token)))

describe.for(reaches)('tokens reached through %s', (reach) => {
  test('the implicit slot comes first, then every token, and each goes back as it was', () => {
    const { client, jobserver } = connected(tokens, reach)
    const slots = takeAll(client)
    expect(slots.map((slot) => slot.implicit)).toEqual([true, false, false, false, false, false])
    expect(bytesOf(slots.slice(1))).toBe(sortedHex(tokens))
    expect(jobserver.drain()).toBe('')

    for (const slot of slots) slot.release()
    expect(jobserver.drain()).toBe(sortedHex(tokens))
  })

  test('acquire, acquireSync and tryAcquire draw on the same slots', async () => {
    const { client } = connected(tokens.subarray(0, 2), reach)
    const slots = [await client.acquire(), client.acquireSync(), client.tryAcquire()]
    expect(slots.map((slot) => slot?.implicit)).toEqual([true, false, false])
    expect(client.tryAcquire()).toBeNull()
    expect(() => client.acquireSync({ timeout: 0 })).toThrow(/no slot became free within 0 ms/)
    await expect(client.acquire({ timeout: 0 })).rejects.toMatchObject({ code: 'ERR_JOBSLOT_TIMEOUT' })
  })

  test('a slot is released once, whatever releases it', () => {
    const { client, jobserver } = connected(tokens.subarray(0, 1), reach)
    const [implicit, token] = takeAll(client)
    token?.release()
    token?.release()
    token?.[Symbol.dispose]()
    expect(jobserver.drain()).toBe(sortedHex(tokens.subarray(0, 1)))
    implicit?.[Symbol.dispose]()
    implicit?.release()
    expect(takeAll(client).map((slot) => slot.implicit)).toEqual([true])
  })

  test('a slot released twice does not release the one that has its place now', () => {
    const { client } = connected(tokens.subarray(0, 2), reach)
    const [implicit, first, second] = takeAll(client)
    first?.release()
    first?.release()
    expect([implicit, second].map((slot) => slot && slot.index >= 0)).toEqual([true, true])
    const again = client.tryAcquire()
    first?.release()
    expect(client.available).toBe(0)
    expect(again?.token).toBe(first?.token)
  })

  test('available counts tokens and the implicit slot', () => {
    const { client } = connected(tokens, reach)
    expect(client.available).toBe(6)
    const [implicit, token] = [client.tryAcquire(), client.tryAcquire()]
    expect(client.available).toBe(4)
    token?.release()
    expect(client.available).toBe(5)
    implicit?.release()
    expect(client.available).toBe(6)
  })

  test('close gives back what is out, rejects what waits, and after it releasing does nothing', async () => {
    const { client, jobserver } = connected(tokens, reach)
    const slots = takeAll(client)
    const waiting = [client.acquire(), client.acquire({ timeout: 10_000 }), client.run(() => {})]
    const ends = Promise.allSettled(waiting)
    client.close()
    expect(jobserver.drain()).toBe(sortedHex(tokens))
    for (const end of await ends) expect(end).toMatchObject({ reason: { code: 'ERR_JOBSLOT_CLOSED' } })

    for (const slot of slots) slot.release()
    client.close()
    client[Symbol.dispose]()
    expect(jobserver.drain()).toBe('')
    expect(client.available).toBe(0)
    await expect(client.acquire()).rejects.toMatchObject({ code: 'ERR_JOBSLOT_CLOSED' })
    await expect(client.limit(() => {})).rejects.toMatchObject({ code: 'ERR_JOBSLOT_CLOSED' })
    for (const call of [
      () => client.tryAcquire(),
      () => client.acquireSync(),
      () => client.acquireSync({ timeout: 0 }),
      () => client.childOptions(),
    ]) {
      expect(call).toThrow(expect.objectContaining({ code: 'ERR_JOBSLOT_CLOSED' }))
    }
  })

  test('in whatever order slots are released, each goes back once', () => {
    const { client, jobserver } = connected(tokens, reach)
    const slots = takeAll(client)
    for (const i of [1, 5, 0, 2]) slots[i]?.release()
    expect(jobserver.drain()).toBe(bytesOf([1, 5, 2].map((i) => slots[i]!)))
    slots[4]?.release()
    expect(jobserver.drain()).toBe(bytesOf([slots[4]!]))
    client.close()
    expect(jobserver.drain()).toBe(bytesOf([slots[3]!]))
  })

  test('run hands over the slot and what fn returns, and releases it however fn ends', async () => {
    const { client } = connected(tokens.subarray(0, 1), reach)
    const held: Slot[] = []
    const keep = (slot: Slot) => held.push(slot)
    expect(await client.run(async (slot) => keep(slot) && 'result')).toBe('result')
    expect(await client.run((slot) => keep(slot) && 'sync')).toBe('sync')
    const error = new Error('fn failed')
    await expect(
      client.run(async (slot) => {
        keep(slot)
        throw error
      }),
    ).rejects.toBe(error)
    await expect(
      client.run((slot) => {
        keep(slot)
        throw error
      }),
    ).rejects.toBe(error)
    await client.run((slot) => {
      keep(slot)
      slot.release()
    })
    expect(held.map((slot) => slot.index)).toEqual([-1, -1, -1, -1, -1])
    expect(client.available).toBe(2)
  })

  test('a token that others give is taken by who waits, and only when someone waits', async () => {
    const { client, jobserver } = connected(Buffer.alloc(0), reach)
    client.tryAcquire()
    const waiting = client.acquire()
    writeSync(jobserver.writeFd, Buffer.from([0xfe, 0x00]))
    const slot = await waiting
    expect(slot.token).toBe(0xfe)
    expect(jobserver.drain()).toBe('00')
    slot.release()
    expect(jobserver.drain()).toBe('fe')
  })
})

describe('what the build said', () => {
  test('jobs, load and auth', () => {
    const { jobserver } = connected(tokens)
    const client = connectTo({ ...jobserver, makeflags: `k -j6 -l2.5 ${jobserver.makeflags}` })
    expect(client).toMatchObject({ jobs: 6, load: 2.5, problem: null, auth: { style: 'fifo', path: jobserver.path } })
    client.close()
  })

  test('null where it said nothing', () => {
    const { jobserver } = connected(tokens)
    const client = connectTo({ ...jobserver, makeflags: jobserver.makeflags.replace('-j6', '-j') })
    expect(client).toMatchObject({ jobs: null, load: null })
    client.close()
  })
})

describe('wrong use', () => {
  test.for([Number.NaN, '5', null, 5n])('a timeout that is no number: %s', async (timeout) => {
    const { client } = connected(tokens)
    const options = { timeout: timeout as number }
    await expect(client.acquire(options)).rejects.toThrow(/timeout must be a number of milliseconds/)
    expect(() => client.acquireSync(options)).toThrow(/timeout must be a number of milliseconds/)
    expect(client.available).toBe(6)
  })

  test.for([-1, -Infinity])('a negative timeout does not wait: %s', async (timeout) => {
    const { client } = connected(Buffer.alloc(0))
    client.tryAcquire()
    await expect(client.acquire({ timeout })).rejects.toMatchObject({ code: 'ERR_JOBSLOT_TIMEOUT' })
    expect(() => client.acquireSync({ timeout })).toThrow(expect.objectContaining({ code: 'ERR_JOBSLOT_TIMEOUT' }))
  })
})
