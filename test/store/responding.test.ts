import { describe, expect, test } from 'vitest'
import type { RespondFailure } from '../../src/store/claims/responder.ts'
import { waitFor } from '../support/processes.ts'
import { testStore } from './folder.ts'

const nobody: RespondFailure = () => {}

describe('respond', () => {
  test('is called for every end of a job that was asked for here, before that is answered', async () => {
    const told: unknown[] = []
    const store = await testStore({
      respond: ({ state, value, error, waiting }) => {
        told.push([state, value?.toString() ?? error?.message, waiting])
        return undefined
      },
    })
    const ends: (() => Promise<void>)[] = []
    const created = await store.createMany([1, 2, 3, 4])
    for (const [i, { id }] of created.entries()) await store.queue(id, 'abcd'[i])
    ends.push(async () => (await store.pullJob())!.fulfill('1'))
    ends.push(async () => (await store.pullJob())!.fail(new Error('2')))
    ends.push(() => store.fulfill(3, '3'))
    ends.push(() => store.cancel(4, '4'))
    for (const [i, end] of ends.entries()) {
      await end()
      expect(told.length).toBe(i + 1)
    }
    expect(told).toEqual([
      ['fulfilled', '1', ['a']],
      ['failed', '2', ['b']],
      ['fulfilled', '3', ['c']],
      ['cancelled', '4', ['d']],
    ])
    expect(await store.pullNotification()).toBeUndefined()
  })

  test('takes off those that it answers with', async () => {
    const store = await testStore({ respond: async () => ['b', 'b'], onrespondfailure: nobody })
    const { id } = await store.create('x')
    for (const target of ['a', 'b', 'b', 'b']) await store.queue(id, target)
    await store.fulfill(id)
    expect(await store.get(id)).toMatchObject({ waiting: ['a', 'b'] })
  })

  test('is given what was queued while it was at work, and never the same job twice at once', async () => {
    const told: unknown[][] = []
    let open = () => {}
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    let atOnce = 0
    const store = await testStore({
      respond: async ({ waiting }) => {
        expect(++atOnce).toBe(1)
        told.push(waiting)
        await gate
        atOnce--
        return undefined
      },
    })
    const { id } = await store.create('x')
    await store.queue(id, 0)
    const fulfilled = store.fulfill(id)
    await waitFor(() => told.length === 1)
    const queued = [1, 2, 3].map((target) => store.queue(id, target))
    await waitFor(async () => (await store.get(id))!.waiting.length === 4)
    open()
    await Promise.all(queued)
    expect(told).toEqual([[0], [1, 2, 3]])
    await fulfilled
    expect(await store.get(id)).toMatchObject({ waiting: [] })
  })

  test('that has failed is called again by the next queue, and by flush', async () => {
    const told: unknown[][] = []
    const failures: unknown[] = []
    let isUp = false
    const store = await testStore({
      respond: ({ waiting }) => {
        told.push(waiting)
        if (!isUp) throw new Error('down')
        return undefined
      },
      onrespondfailure: (error, { id }) => failures.push([(error as Error).message, id]),
    })
    const { id } = await store.create('x')
    await store.flush(id)
    await store.queue(id, 'a')
    await store.flush(id)
    expect(told).toEqual([])
    await store.fulfill(id)
    await store.queue(id, 'b')
    isUp = true
    await store.flush(id)
    await store.flush(id)
    expect(told).toEqual([['a'], ['a', 'b'], ['a', 'b']])
    expect(failures).toEqual([
      ['down', id],
      ['down', id],
    ])
    await expect(store.flush(4711)).rejects.toMatchObject({ code: 'ERR_JOBSLOT_NO_JOB' })
  })

  test('that answers with what is no list has failed; the job is fulfilled all the same', async () => {
    const failures: unknown[] = []
    const store = await testStore({
      respond: (() => true) as never,
      onrespondfailure: (error) => failures.push(error),
    })
    const { id } = await store.create('x')
    await store.queue(id, 'a')
    await store.fulfill(id, 'v')
    expect(failures).toMatchObject([{ name: 'TypeError' }])
    expect(await store.get(id)).toMatchObject({ state: 'fulfilled', waiting: ['a'] })
  })

  test('leaves alone what another process is telling', async () => {
    const told: unknown[] = []
    const store = await testStore()
    const other = await testStore({ dir: store.dir, respond: ({ waiting }) => void told.push(waiting) })
    const { id } = await store.create('x')
    await store.queue(id, 'a')
    await store.fulfill(id)
    const held = (await store.pullNotification())!
    await other.flush(id)
    expect(told).toEqual([])
    await held.done(null, [])
    await other.flush(id)
    expect(told).toEqual([['a']])
  })
})
