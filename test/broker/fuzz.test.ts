import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { JobslotError } from '../../src/errors.ts'
import { baseName } from '../../src/worker/place.ts'
import { encodeFrame, HELLO } from '../../src/worker/wire/frames.ts'
import { CALL, CANCEL } from '../../src/worker/wire/messages.ts'
import { edited, edits, forAllAsync, fuzzTimeout, oddNumbers, oddValues } from '../support/fuzz.ts'
import { waitFor } from '../support/processes.ts'
import { asked, type Named, named, speakTo } from './named.ts'

const hello = { protocol: 1, pid: process.pid, slots: null }
const call = (id: number, method: string, message: unknown) => encodeFrame([CALL, id, method, message])
const joining = { ...asked(), key: 1 }

/** What a program of ours would send, from the first byte on. */
const SESSION = Buffer.concat([
  HELLO,
  call(1, 'hello', hello),
  call(2, 'status', null),
  call(3, 'join', { ...joining, min: 3, max: 3 }),
  encodeFrame([CANCEL, 3]),
  call(4, 'join', joining),
  call(5, 'withdraw', { key: 1 }),
  call(0, 'hungry', { id: 1 }),
])

/** Fails instead of waiting for ever. */
async function soon<T>(promise: Promise<T>): Promise<T> {
  const over = new AbortController()
  const late = sleep(15_000, undefined, over).then(() => {
    throw new Error('there is no answer')
  })
  return Promise.race([promise, late]).finally(() => {
    over.abort()
    late.catch(() => {})
  })
}

async function opened(n: Named, pool: string): Promise<Socket> {
  const socket = connect({ path: join(n.dir, 'workers', `${baseName(`pool ${pool}`)}.sock`) })
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('connect', resolve))
  return socket
}

/** A broker all of whose slots are held here, with how to see that it is the same, and holds nothing of those who have left. */
async function brokerOf(n: Named) {
  const pool = await n.connect('ci', { slots: 3 })
  const { id } = await pool.join(asked({ min: 3, max: 3 }))
  const [pid] = n.brokers() as [number]
  const open = () => readdirSync(`/proc/${pid}/fd`).length
  const megabytes = () => Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  const before = open()
  const isWell = async () => {
    await waitFor(() => open() <= before)
    const { members, waiters } = await pool.status()
    expect([members.map(({ id }) => id), waiters, n.brokers()]).toEqual([[id], [], [pid]])
  }
  return { pool, id, megabytes, isWell }
}

test(
  'a stream of anything ends its own connection at most',
  async () => {
    const n = named()
    const { pool, megabytes, isWell } = await brokerOf(n)
    await forAllAsync(60, fc.array(edits(3), { minLength: 1, maxLength: 8 }), async (all) => {
      const sockets = await Promise.all(all.map(() => opened(n, 'ci')))
      for (const [i, socket] of sockets.entries()) {
        socket.resume()
        socket.write(edited(SESSION, all[i]!))
      }
      expect(await soon(pool.status())).toMatchObject({ slots: 3 })
      for (const socket of sockets) socket.destroy()
    })
    await isWell()
    expect(megabytes()).toBeLessThan(250)
  },
  fuzzTimeout,
)

const ids = fc.oneof(fc.nat(4), oddNumbers)
const MESSAGES: Record<string, fc.Arbitrary<unknown>> = {
  join: fc
    .record({
      ...{ kind: fc.constantFrom('run', 'acquire', 'job', 'process'), key: fc.integer({ min: 1, max: 5 }) },
      ...{ min: fc.nat(3), max: fc.nat(3), limit: fc.option(fc.nat(5)), draws: fc.boolean(), since: fc.nat() },
      priority: fc.oneof(fc.nat(3), oddNumbers),
      weight: fc.oneof(fc.constant(1), oddNumbers),
      label: fc.option(fc.string({ unit: 'binary', maxLength: 400 })),
    })
    .map((fields) => ({ ...fields, max: Math.max(fields.min, fields.max) })),
  withdraw: fc.record({ key: ids }),
  rejoin: fc.record({ id: ids }),
  leave: fc.record({ id: ids, signaled: fc.boolean() }),
  hungry: fc.record({ id: ids }),
  resize: fc.record({ slots: fc.oneof(fc.nat(5), oddNumbers) }),
  govern: fc.record({
    limits: fc.dictionary(fc.constantFrom('maxLoad', 'minMemory', 'maxPressure', 'odd'), oddValues),
  }),
  status: fc.constant(null),
  hello: fc.record({ protocol: fc.constantFrom(1, 2, -1), pid: fc.constantFrom(process.pid, 1), slots: oddValues }),
}

/** Mostly a message that is one; now and then one of its fields is something else. */
const said = fc
  .tuple(fc.constantFrom(...Object.keys(MESSAGES)), fc.nat(9), fc.nat(), oddValues)
  .chain(([method, chance, which, odd]) =>
    MESSAGES[method]!.map((message): [string, unknown] => {
      if (chance > 2 || message === null) return [method, message]
      const names = Object.keys(message as object)
      return [method, chance === 0 ? odd : { ...(message as object), [names[which % names.length]!]: odd }]
    }),
  )

test(
  'messages of any content are answered or refused, and leave nothing',
  async () => {
    const n = named()
    const { pool, id } = await brokerOf(n)
    await pool.leave(id, { signaled: false })
    await forAllAsync(60, fc.array(said, { maxLength: 30 }), async (messages) => {
      const worker = await speakTo()
      const say = (method: string, message: unknown) => soon(worker.call(method, message))
      await say('hello', hello)
      const given = new AbortController()
      const calls = messages.map(([method, message]) =>
        worker.call(method, message, { signal: given.signal }).catch((error) => error),
      )
      // What is answered at once tells that all were heard.
      await say('status', null)
      given.abort(new JobslotError('ERR_JOBSLOT_CLOSED', 'given up'))
      for (const answer of await soon(Promise.all(calls))) {
        if (answer instanceof Error && (answer as Partial<JobslotError>).code?.startsWith('ERR_JOBSLOT_') !== true)
          throw answer
      }
      const keys = messages.map(([, message]) => (message as { key?: unknown } | null)?.key)
      for (const key of new Set(keys)) await say('withdraw', { key }).catch(() => {})
      await worker.close()
      await soon(pool.govern({}))
      await soon(pool.resize(3))
      const { id } = await soon(pool.join(asked({ min: 3, max: 3 })))
      await pool.leave(id, { signaled: false })
      expect((await pool.status()).members).toEqual([])
    })
    expect((await pool.status()).slots).toBe(3)
  },
  fuzzTimeout,
)

test('a second call with the number of one that runs ends the connection: it could not be given up', async () => {
  const n = named()
  const { pool, id } = await brokerOf(n)
  const socket = await opened(n, 'ci')
  const ended = new Promise((resolve) => socket.resume().once('close', resolve))
  socket.write(Buffer.concat([HELLO, call(1, 'hello', hello), call(2, 'join', joining), call(2, 'join', joining)]))
  await soon(ended)
  await pool.leave(id, { signaled: false })
  expect(await pool.status()).toMatchObject({ members: [], waiters: [], free: 3 })
})
